package interpret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/train"
)

// MeasureStrangeness fills in how far each row's picture is from those of training, by the
// learner's measure and the features that x takes. The table must be of l's validation pictures, each of a path of its
// own.
func (t *Table) MeasureStrangeness(ctx context.Context, l *train.Learner, x *features.Extractor) error {
	if l.Strangeness == nil {
		return errors.New("interpret: the model does not measure strangeness")
	}
	items := l.DLs.Valid.Items()
	of, err := x.Of(ctx, l.DLs.Valid.Config().Source, items)
	if err != nil {
		return fmt.Errorf("interpret: %w", err)
	}
	f, far := x.Width(), make(map[string]float64, len(of.Index))
	for r, i := range of.Index {
		far[items[i].Path] = l.Strangeness.Distance(of.Values.Data[r*f : (r+1)*f])
	}
	all := make([]float64, len(t.Rows))
	for i, r := range t.Rows {
		d, ok := far[r.Path]
		if !ok {
			return fmt.Errorf("interpret: row %d (%s) is of no validation picture", i, r.Path)
		}
		all[i] = d
	}
	t.Strangeness = all
	return nil
}

// Strange is how far a table's pictures are from those of training.
type Strange struct {
	Limit    float64 `json:"limit"`    // above which the answer is unknown; 0 for none
	Quantile float64 `json:"quantile"` // the share of pictures that the limit was chosen not to be exceeded by
	Pictures int     `json:"pictures"`
	Above    int     `json:"above"` // the limit
	// Distances are quantiles of the strangeness, from the least to the most.
	Distances []StrangeAt `json:"distances"`
	// Bins count pictures by strangeness, in equal widths.
	Bins []StrangeBin `json:"bins"`
	// Strangest are rows of the table, the furthest first.
	Strangest []StrangeRow `json:"strangest"`
}

// Median returns the distance that half of the pictures do not exceed.
func (s Strange) Median() float64 {
	for _, d := range s.Distances {
		if d.Share == 0.5 {
			return d.Distance
		}
	}
	return 0
}

// StrangeAt is a strangeness that a share of pictures does not exceed.
type StrangeAt struct {
	Share    float64 `json:"share"`
	Distance float64 `json:"distance"`
}

// StrangeBin counts the pictures whose strangeness is in [Lo,Hi), in the last bin Hi too.
type StrangeBin struct {
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	Count int     `json:"pictures"`
	Wrong int     `json:"wrong"` // of them answered wrongly, the limit aside
}

// StrangeRow is a picture with its strangeness.
type StrangeRow struct {
	Index     int     `json:"-"` // row of the table
	Path      string  `json:"path"`
	Distance  float64 `json:"distance"`
	Actual    string  `json:"actual"`
	Predicted string  `json:"predicted"`
}

// strangeShares are those of Strange.Distances.
var strangeShares = []float64{0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1}

// strangeBins is the number of Strange.Bins.
const strangeBins = 24

// Strange returns the distribution of Table.Strangeness, the limit of s, and the n strangest
// pictures. It returns an error for a table that has none; see MeasureStrangeness.
func (t *Table) Strange(s confidence.Strangeness, n int) (Strange, error) {
	all := t.Strangeness
	if len(all) == 0 || len(all) != len(t.Rows) {
		return Strange{}, fmt.Errorf("interpret: the strangeness of %d of %d pictures is known: measure it first", len(all), len(t.Rows))
	}
	out := Strange{Limit: s.Limit, Quantile: s.Quantile, Pictures: len(all)}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[b], all[a]) })
	for _, i := range order[:min(max(n, 0), len(order))] {
		r := t.Rows[i]
		out.Strangest = append(out.Strangest, StrangeRow{Index: i, Path: r.Path, Distance: all[i], Actual: t.Name(r.Actual), Predicted: t.Name(r.Predicted)})
	}
	sorted := slices.Sorted(slices.Values(all))
	low, high := sorted[0], sorted[len(sorted)-1]
	if high-high != 0 {
		return Strange{}, fmt.Errorf("interpret: the strangeness of %s is not finite: the weights of the network are broken", t.Rows[order[0]].Path)
	}
	for _, share := range strangeShares {
		out.Distances = append(out.Distances, StrangeAt{share, sorted[int(share*float64(len(sorted)-1))]})
	}
	width := max((high-low)/strangeBins, 1e-12)
	for b := range strangeBins {
		out.Bins = append(out.Bins, StrangeBin{Lo: low + float64(float64(b)*width), Hi: low + float64(float64(b+1)*width)})
	}
	for i, d := range all {
		b := &out.Bins[min(int((d-low)/width), strangeBins-1)]
		b.Count++
		if !t.Rows[i].Right() {
			b.Wrong++
		}
		if s.Limit > 0 && d > s.Limit {
			out.Above++
		}
	}
	return out, nil
}
