package page

import (
	"cmp"
	"context"
	_ "embed" // the page's template
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/internal/htmlpage"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/plot"
)

// What a page of numbers shows at most.
const (
	perSide   = 6  // pictures of one number that are too high, and too low
	drawnMost = 16 // numbers with plots; all have their scores
	inCard    = 4  // numbers of one of the top losses
)

//go:embed numbers.html
var numbersHTML string

var numbersTemplate = parse(numbersHTML)

// numbersView is what the template of a page of numbers shows.
type numbersView struct {
	shared
	Numbers []numberView
	Top     []topNumbersView
	Drawn   int
	Undrawn bool
}

// numberView is one number: its scores, plots and largest errors.
type numberView struct {
	interpret.NumberScores
	Median, Ninety, Largest float64 // of the errors' sizes
	Least, Greatest         float64 // of the actual numbers
	Share                   float64 // R², NaN where it is not defined
	SortR2                  string  // R², or "" to stay last
	Plots                   []htmlpage.Figure
	High, Low               []errorShot
}

// errorShot is a picture of which one number is predicted too high or too low.
type errorShot struct {
	Picture           int // -1 for none
	Alt, Path         string
	Predicted, Actual float64
}

// topNumbersView is one of the top losses.
type topNumbersView struct {
	Answers []numberAnswer
	More    int // numbers that are not shown
	Loss    float64
	Path    string
	topPicture
}

type numberAnswer struct {
	Name              string
	Predicted, Actual float64
	Bold              bool // the one where the model looked
}

// writeNumbers writes the page of pictures with numbers.
func (b *builder) writeNumbers(ctx context.Context, w io.Writer) error {
	t := b.in.Table
	for i, r := range t.Rows {
		if len(r.Numbers) != len(t.Vocab) || len(r.Probs) != len(t.Vocab) {
			return fmt.Errorf("page: row %d (%s) has %d numbers and %d predicted ones, and the table has %d: a table is of one task", i, r.Path, len(r.Numbers), len(r.Probs), len(t.Vocab))
		}
	}
	report, err := t.NumbersReport()
	if err != nil {
		return err
	}
	high, low := make([][]int, len(t.Vocab)), make([][]int, len(t.Vocab))
	for k := range t.Vocab {
		high[k], low[k] = furthest(t, k)
	}
	if err := b.readPictures(ctx, wantedOfNumbers(t, b.o, high, low)); err != nil {
		return err
	}
	v := &numbersView{Drawn: min(len(t.Vocab), drawnMost), Undrawn: len(t.Vocab) > drawnMost}
	if v.shared, err = b.shared(); err != nil {
		return err
	}
	v.Lead = fmt.Sprintf("%d pictures with %d numbers each.", t.Len(), len(t.Vocab))
	if len(t.Vocab) == 1 {
		v.Lead = fmt.Sprintf("%s of %d pictures.", t.Vocab[0], t.Len())
	}
	for k, s := range report {
		n := b.number(k, s)
		n.High, n.Low = b.errorShots(k, high[k]), b.errorShots(k, low[k])
		if k < drawnMost {
			if n.Plots, err = numberPlots(t, k); err != nil {
				return err
			}
		}
		v.Numbers = append(v.Numbers, n)
	}
	v.Tiles = numberTiles(v.Numbers, t)
	v.Top = b.topNumbers()
	if err := b.complete(&v.shared, ""); err != nil {
		return err
	}
	if err := numbersTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("page: writing: %w", err)
	}
	return nil
}

// numberTiles are the summary: of several numbers the plain means, as the metrics of training are.
func numberTiles(of []numberView, t *interpret.Table) []tile {
	mean := func(value func(numberView) float64) string {
		sum := 0.0
		for _, n := range of {
			sum += value(n)
		}
		return num(sum / float64(len(of)))
	}
	note := func(one string) string {
		if len(of) == 1 {
			return one
		}
		return one + ", mean over numbers"
	}
	return []tile{
		{"RMSE", mean(func(n numberView) float64 { return n.RMSE }), note("root of the mean squared error")},
		{"MAE", mean(func(n numberView) float64 { return n.MAE }), note("mean size of the error")},
		{"R²", mean(func(n numberView) float64 { return n.Share }), note("share of the variance predicted")},
		{"bias", mean(func(n numberView) float64 { return n.Bias }), note("predicted less actual")},
		{"mean loss", num(t.MeanLoss()), "of a picture"},
	}
}

// gap is how far the k-th number of a row is off: predicted less actual.
func gap(r interpret.Row, k int) float64 { return float64(r.Probs[k]) - float64(r.Numbers[k]) }

// furthest returns the rows whose number k is predicted too high by the most, and too low.
func furthest(t *interpret.Table, k int) (high, low []int) {
	order := make([]int, t.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, c int) int { return cmp.Compare(gap(t.Rows[c], k), gap(t.Rows[a], k)) })
	for _, i := range first(order, perSide) {
		if gap(t.Rows[i], k) > 0 {
			high = append(high, i)
		}
	}
	for _, i := range surest(order, perSide) {
		if gap(t.Rows[i], k) < 0 {
			low = append(low, i)
		}
	}
	return high, low
}

// wantedOfNumbers lists rows of the table whose pictures the page should have, the
// most wanted first: the top losses, then of every number the largest error to either side, then the second, and so on.
func wantedOfNumbers(t *interpret.Table, o Options, high, low [][]int) []int {
	var w wish
	for _, e := range t.TopLosses(o.TopLosses) {
		w.take(e.Index)
	}
	for n := range perSide {
		for k := range t.Vocab {
			for _, list := range [][]int{high[k], low[k]} {
				if n < len(list) {
					w.take(list[n])
				}
			}
		}
	}
	return w.rows
}

// number describes one number but for its pictures and plots.
func (b *builder) number(k int, s interpret.NumberScores) numberView {
	rows := b.in.Table.Rows
	n := numberView{NumberScores: s, Share: float64(s.R2), Least: math.Inf(1), Greatest: math.Inf(-1)}
	if !math.IsNaN(n.Share) {
		n.SortR2 = fmt.Sprint(n.Share)
	}
	sizes := make([]float64, len(rows))
	for i, r := range rows {
		sizes[i] = math.Abs(gap(r, k))
		n.Least, n.Greatest = min(n.Least, float64(r.Numbers[k])), max(n.Greatest, float64(r.Numbers[k]))
	}
	slices.Sort(sizes)
	least := func(share float64) float64 { return sizes[int(math.Ceil(share*float64(len(sizes))))-1] }
	n.Median, n.Ninety, n.Largest = least(0.5), least(0.9), least(1)
	return n
}

// numberPlots draws predicted against actual numbers, and errors against predicted ones.
func numberPlots(t *interpret.Table, k int) ([]htmlpage.Figure, error) {
	n := t.Len()
	actual, predicted, errors := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, r := range t.Rows {
		actual[i], predicted[i], errors[i] = float64(r.Numbers[k]), float64(r.Probs[k]), gap(r, k)
	}
	var out []htmlpage.Figure
	for _, p := range []struct {
		x, y []float64
		o    plot.ScatterOptions
		alt  string
	}{
		{actual, predicted, plot.ScatterOptions{Title: "Predicted and actual", XLabel: "actual", YLabel: "predicted", Diagonal: true}, "predicted against actual "},
		{predicted, errors, plot.ScatterOptions{Title: "Errors", XLabel: "predicted", YLabel: "predicted less actual", Level: true}, "errors against predicted "},
	} {
		f, err := plot.Scatter(p.x, p.y, p.o)
		if err != nil {
			return nil, err
		}
		src, err := htmlpage.SVG(f)
		if err != nil {
			return nil, err
		}
		out = append(out, htmlpage.Figure{Src: src, Alt: p.alt + t.Vocab[k]})
	}
	return out, nil
}

func (b *builder) errorShots(k int, rows []int) []errorShot {
	var out []errorShot
	for _, i := range rows {
		r := b.in.Table.Rows[i]
		s := errorShot{Picture: -1, Path: b.shown(r.Path), Predicted: float64(r.Probs[k]), Actual: float64(r.Numbers[k])}
		s.Alt = fmt.Sprintf("predicted %s, in truth %s", num(s.Predicted), num(s.Actual))
		if p, ok := b.picture[i]; ok {
			s.Picture = p
		}
		out = append(out, s)
	}
	return out
}

func (b *builder) topNumbers() []topNumbersView {
	t := b.in.Table
	var out []topNumbersView
	for i, e := range t.TopLosses(b.o.TopLosses) {
		v := topNumbersView{Loss: float64(e.Loss), Path: b.shown(e.Path)}
		order := make([]int, len(t.Vocab))
		for k := range order {
			order[k] = k
		}
		if len(order) > inCard {
			slices.SortStableFunc(order, func(a, c int) int { return cmp.Compare(math.Abs(gap(e.Row, c)), math.Abs(gap(e.Row, a))) })
			v.More = len(order) - inCard
			order = order[:inCard]
			slices.Sort(order)
		}
		alt := ""
		for _, k := range order {
			a := numberAnswer{Name: t.Vocab[k], Predicted: float64(e.Probs[k]), Actual: float64(e.Numbers[k]), Bold: len(t.Vocab) == 1 || k == e.Furthest()}
			v.Answers = append(v.Answers, a)
			alt += fmt.Sprintf("%s %s, in truth %s; ", a.Name, num(a.Predicted), num(a.Actual))
		}
		v.topPicture = b.topPicture(i, e.Index, alt)
		out = append(out, v)
	}
	return out
}
