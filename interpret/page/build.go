package page

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"path/filepath"
	"slices"

	"github.com/whippet-ml/whippet/internal/htmlpage"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/plot"
)

// pageData is what the page's script works on.
type pageData struct {
	Classes  []string  `json:"classes"`
	Cells    [][3]int  `json:"cells"`    // actual, predicted, count; those above 0
	Rows     []pageRow `json:"rows"`     // examples with a picture, and mistakes without
	Pictures []string  `json:"pictures"` // JPEG in base64
	Looked   []looked  `json:"looked"`   // of the top losses
}

type pageRow struct {
	Path      string  `json:"path"`
	Actual    int     `json:"a"`
	Predicted int     `json:"p"`
	Loss      string  `json:"loss"`
	ProbPred  float32 `json:"pp"`
	ProbAct   float32 `json:"pa"`
	Picture   int     `json:"pic"` // -1 for none
}

type looked struct {
	Seen string `json:"seen"`
	Heat string `json:"heat"`
}

// maxRows bounds the examples that are listed without a picture.
const maxRows = 5000

type builder struct {
	in      Input
	o       Options
	matrix  *interpret.ConfusionMatrix
	pairs   []interpret.Confused
	picture map[int]int // of a row of the table
	data    pageData
	missing int // pictures that could not be read
}

func newBuilder(in Input, o Options) *builder {
	b := &builder{in: in, o: o, picture: map[int]int{}}
	b.data.Classes = in.Table.Vocab
	return b
}

// classes prepares the page of pictures with one class each.
func (b *builder) classes() {
	b.matrix = b.in.Table.ConfusionMatrix()
	b.pairs = b.matrix.MostConfused(1)
	b.pairs = b.pairs[:min(len(b.pairs), b.o.Pairs)]
	for a, row := range b.matrix.Counts {
		for p, n := range row {
			if n > 0 {
				b.data.Cells = append(b.data.Cells, [3]int{a, p, n})
			}
		}
	}
}

// classRow is a line of the table of classes.
type classRow struct {
	interpret.ClassScores
	TakenFor string // what it is most often taken for
	Times    int
}

// pairView is one pair of classes side by side; numbers are pictures.
type pairView struct {
	interpret.Confused
	Mistakes, Actuals, Predicteds []int
}

// topView is one of the top losses.
type topView struct {
	Predicted, Actual string
	Loss              float64
	ProbPred, ProbAct float64
	Path              string
	Right             bool
	topPicture
}

// topPicture is the picture of one of the top losses.
type topPicture struct {
	Looked, Picture int    // -1 for none
	Alt             string // what the picture shows, for who does not see it
}

// shared returns what pages of every kind show.
func (b *builder) shared() (shared, error) {
	s := shared{Frame: htmlpage.Frame{Title: cmp.Or(b.in.Title, "What the model learned")}, Facts: b.in.Facts, Missing: b.missing}
	if !b.in.Time.IsZero() {
		s.Day = b.in.Time.Format("2006-01-02")
	}
	var err error
	s.Figures, s.Epochs, err = curves(b.in.History)
	return s, err
}

func (b *builder) view() (*view, error) {
	t := b.in.Table
	rep, cal := t.Report(), t.Calibration(0)
	sh, err := b.shared()
	if err != nil {
		return nil, err
	}
	v := &view{shared: sh, Macro: rep.Macro, Weighted: rep.Weighted, Cal: cal}
	wrong := t.Len() - b.matrix.Correct()
	v.Lead = fmt.Sprintf("%d of %d pictures are classified wrongly, in %d classes.", wrong, t.Len(), len(t.Vocab))
	v.Tiles = []tile{
		{"accuracy", percent(rep.Accuracy), fmt.Sprintf("error rate %s", percent(1-rep.Accuracy))},
		{"mean loss", num(t.MeanLoss()), "cross-entropy"},
		{"F1", num(rep.Macro.F1), "mean over classes"},
		{"calibration error", percent(cal.ECE), "expected (ECE)"},
	}
	if len(t.Vocab) > 5 {
		v.Tiles = append(v.Tiles, tile{"top-5 accuracy", percent(t.TopKAccuracy(5)), "right class among five"})
	}
	v.Classes = b.classRows(rep)
	v.Pairs = b.pairViews()
	v.Top = b.topViews()
	for _, bin := range cal.Bins {
		if bin.Count > 0 {
			v.Bins = append(v.Bins, bin)
		}
	}
	if v.Plot, err = reliability(cal, ""); err != nil {
		return nil, err
	}
	if u := t.Unscaled(); u != nil {
		v.Before = &before{Cal: u.Calibration(0)}
		if v.Before.Plot, err = reliability(v.Before.Cal, "Without the temperature"); err != nil {
			return nil, err
		}
	}
	if v.Risk, err = b.risk(); err != nil {
		return nil, err
	}
	if c := b.in.Conformal; c != nil {
		sets := b.in.Table.Sets(*c)
		v.Sets = &sets
	}
	if v.Strange, err = b.strange(); err != nil {
		return nil, err
	}
	b.rows()
	return v, nil
}

// reliability draws a reliability diagram; "" is the usual title.
func reliability(c interpret.Calibration, title string) (template.URL, error) {
	fig, err := c.Plot(plot.ReliabilityOptions{Title: title})
	if err != nil {
		return "", err
	}
	return htmlpage.SVG(fig)
}

func (b *builder) classRows(rep interpret.Report) []classRow {
	out := make([]classRow, len(rep.Classes))
	for a, s := range rep.Classes {
		out[a].ClassScores = s
		for p, n := range b.matrix.Counts[a] {
			if p != a && n > out[a].Times {
				out[a].Times, out[a].TakenFor = n, b.in.Table.Name(p)
			}
		}
	}
	return out
}

// pictures returns the pictures that the page has of rows, at most n.
func (b *builder) pictures(rows []interpret.Loss, n int) []int {
	var out []int
	for _, r := range rows {
		if p, ok := b.picture[r.Index]; ok && len(out) < n {
			out = append(out, p)
		}
	}
	return out
}

func (b *builder) pairViews() []pairView {
	var out []pairView
	for _, p := range b.pairs {
		right := func(c int) []int {
			rows := b.in.Table.Confusions(c, c)
			slices.Reverse(rows) // surest first
			return b.pictures(rows, perClass)
		}
		out = append(out, pairView{Confused: p,
			Mistakes: b.pictures(b.in.Table.Confusions(p.ActualIndex, p.PredictedIndex), perPair),
			Actuals:  right(p.ActualIndex), Predicteds: right(p.PredictedIndex)})
	}
	return out
}

func (b *builder) topViews() []topView {
	t := b.in.Table
	var out []topView
	for i, e := range t.TopLosses(b.o.TopLosses) {
		v := topView{Predicted: t.Name(e.Predicted), Actual: t.Name(e.Actual), Loss: float64(e.Loss),
			ProbPred: float64(e.Prob(e.Predicted)), ProbAct: float64(e.Prob(e.Actual)), Path: b.shown(e.Path), Right: e.Predicted == e.Actual}
		v.topPicture = b.topPicture(i, e.Index, v.Predicted+", in truth "+v.Actual)
		out = append(out, v)
	}
	return out
}

// topPicture returns the picture of the i-th of the top losses, a row of the table.
func (b *builder) topPicture(i, row int, alt string) topPicture {
	v := topPicture{Looked: -1, Picture: -1, Alt: alt}
	if p, ok := b.picture[row]; ok {
		v.Picture = p
	}
	if i < len(b.in.Looked) && b.in.Looked[i].Seen != nil && b.in.Looked[i].Heat != nil {
		v.Looked = len(b.data.Looked)
		v.Alt += ": where the model looked"
		b.data.Looked = append(b.data.Looked, looked{thumbnail(b.in.Looked[i].Seen, 224, 82), thumbnail(b.in.Looked[i].Heat, 224, 82)})
	}
	return v
}

// rows lists the examples that the matrix can show.
func (b *builder) rows() {
	bare := 0
	for _, e := range b.in.Table.TopLosses(0) {
		pic, ok := b.picture[e.Index]
		if !ok {
			if pic = -1; e.Actual == e.Predicted || bare >= maxRows {
				continue
			}
			bare++
		}
		round := func(v float32) float32 { return float32(math.Round(float64(v)*1e4) / 1e4) }
		b.data.Rows = append(b.data.Rows, pageRow{Path: b.shown(e.Path), Actual: e.Actual, Predicted: e.Predicted,
			Loss: num(float64(e.Loss)), ProbPred: round(e.Prob(e.Predicted)), ProbAct: round(e.Prob(e.Actual)), Picture: pic})
	}
	slices.SortStableFunc(b.data.Rows, func(x, y pageRow) int { // pictures before names alone
		return cmp.Compare(min(y.Picture, 0), min(x.Picture, 0))
	})
}

// shown is a path as the page writes it: below the root, with forward slashes.
func (b *builder) shown(path string) string {
	if b.in.Root != "" {
		if rel, err := filepath.Rel(b.in.Root, path); err == nil && filepath.IsLocal(rel) {
			path = rel
		}
	}
	return filepath.ToSlash(path)
}
