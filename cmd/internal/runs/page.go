package runs

import (
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/whippet-ml/whippet/internal/htmlpage"
	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/train"
)

//go:embed page.html
var pageHTML string

// Folders' names may run from right to left: each part of a path stands alone.
var pageTemplate = htmlpage.Parse(template.FuncMap{"split": func(path string) []string { return strings.Split(filepath.ToSlash(path), "/") }}, pageHTML)

// MaxDrawn is how many runs have curves on a page: as many as there are colors that
// are easily told apart.
const MaxDrawn = 7

// maxRows bounds the epochs of a run that the page lists.
const maxRows = 1000

// maxPoints bounds the epochs of a curve that a page draws.
const maxPoints = 1000

// Page is what a page of runs shows.
type Page struct {
	Runs []*Run // in the order of the page; the first MaxDrawn have curves
	// Measure is the column of the histories whose best value is shown.
	Measure string
	Time    time.Time // shown as the day of the page; zero shows none
}

// view is what the template shows.
type view struct {
	htmlpage.Frame
	Measure  string
	Columns  []column
	Settings []string // those that differ
	Same     []Difference
	Rows     []row
	Figures  []htmlpage.Figure
	Drawn    []drawn
	MaxDrawn int
}

// column is a heading of the table for a column of the histories.
type column struct {
	Name string
	Up   bool // the first press sorts upwards: less is better
}

// cell is a value of the table: what is shown, and what it is sorted by, which is ""
// where there is nothing.
type cell struct{ Text, Value string }

type row struct {
	Path, Find string
	State      State
	Began      cell
	Epochs     cell
	Time       cell
	Values     []cell
	Best       cell
	Settings   []cell
}

// drawn is a run with curves.
type drawn struct {
	Path    string
	Resume  bool
	Columns []string
	Rows    []drawnRow
	Left    int // rows in between that are left out
}

type drawnRow struct {
	Epoch int
	Kept  bool
	Cells []string
}

// Write writes the page as one HTML file that opens without a network.
func (p Page) Write(w io.Writer) error {
	v := view{Frame: htmlpage.Frame{Title: "Training runs", Lead: p.lead()}, Measure: p.Measure, MaxDrawn: MaxDrawn}
	if !p.Time.IsZero() {
		v.Day = p.Time.Format("2006-01-02")
	}
	names := Columns(p.Runs)
	for _, n := range names {
		v.Columns = append(v.Columns, column{n, !HigherIsBetter(n)})
	}
	differ, same := Compare(p.Runs)
	for _, d := range differ {
		v.Settings = append(v.Settings, d.Name)
	}
	if v.Same = same; len(p.Runs) == 1 {
		v.Settings = nil
	}
	for i, r := range p.Runs {
		v.Rows = append(v.Rows, p.row(r, names, differ, i))
	}
	shown := p.Runs[:min(len(p.Runs), MaxDrawn)]
	for _, n := range names {
		if err := v.draw(n, shown); err != nil {
			return err
		}
	}
	for _, r := range shown {
		v.Drawn = append(v.Drawn, drawnRun(r))
	}
	if err := v.Complete(nil, htmlpage.TableScript); err != nil {
		return err
	}
	if err := pageTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("page: writing: %w", err)
	}
	return nil
}

// lead is the sentence below the page's title.
func (p Page) lead() string {
	if len(p.Runs) == 1 {
		return "One run."
	}
	s := fmt.Sprintf("%d runs.", len(p.Runs))
	var best *Run
	value := math.NaN()
	for _, r := range p.Runs {
		if _, v := r.Best(p.Measure); !math.IsNaN(v) && (best == nil || Better(p.Measure, v, value)) {
			best, value = r, v
		}
	}
	if best != nil {
		s += fmt.Sprintf(" The best %s is %s, of \u2068%s\u2069.", p.Measure, Number(value), best.Path)
	}
	return s
}

func (p Page) row(r *Run, names []string, differ []Difference, i int) row {
	out := row{Path: r.Path, State: r.State, Began: cell{r.Began.Format("2006-01-02 15:04"), strconv.FormatInt(r.Began.Unix(), 10)},
		Epochs: cell{r.EpochsText(), strconv.Itoa(len(r.History.Rows))}, Time: cell{train.Clock(r.History.Time), strconv.Itoa(int(r.History.Time.Seconds()))}}
	find := []string{r.Path, string(r.State)}
	for _, n := range names {
		out.Values = append(out.Values, numberCell(r.Value(n)))
	}
	if at, v := r.Best(p.Measure); at >= 0 {
		out.Best = numberCell(v)
		out.Best.Text += fmt.Sprintf(" (epoch %d)", at+1)
	}
	for _, d := range differ {
		out.Settings = append(out.Settings, cell{d.Values[i], d.Values[i]})
		find = append(find, d.Name+"="+d.Values[i])
	}
	out.Find = strings.Join(find, " ")
	return out
}

func numberCell(v float64) cell {
	if !finite(v) {
		return cell{"–", ""}
	}
	return cell{Number(v), strconv.FormatFloat(v, 'g', -1, 64)}
}

// draw adds the figure of a column of the histories.
func (v *view) draw(name string, shown []*Run) error {
	var curves []plot.Curve
	labels := labels(shown)
	longest := 0
	for i, r := range shown {
		c := r.Curve(name)
		if c == nil {
			c = []float64{math.NaN()} // so that colors mean the same run in every figure
		}
		x, y := thin(c)
		curves = append(curves, plot.Curve{Name: labels[i], X: x, Y: y, Dots: true})
		longest = max(longest, len(c))
	}
	if longest == 0 {
		return nil
	}
	f, err := plot.Lines(curves, plot.LineOptions{Title: name, XLabel: "epoch", YLabel: name, LogY: wide(curves), Size: plot.Size{Width: 5.6, Height: 4}})
	if err != nil {
		return err
	}
	src, err := htmlpage.SVG(f)
	if err != nil {
		return err
	}
	v.Figures = append(v.Figures, htmlpage.Figure{Src: src, Alt: name + " of every epoch of the runs"})
	return nil
}

// thin returns a curve over epochs from 1, every few of very many.
func thin(c []float64) (x, y []float64) {
	step := (len(c) + maxPoints - 1) / maxPoints
	for i := 0; i < len(c); i += max(step, 1) {
		x, y = append(x, float64(i+1)), append(y, c[i])
	}
	return x, y
}

// wide reports whether positive values span so much that their logarithm shows more.
func wide(curves []plot.Curve) bool {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, v := range c.Y {
			if finite(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	return lo > 0 && hi > 30*lo
}

// labels are the paths of runs without the folder that all are in.
func labels(list []*Run) []string {
	var out []string
	for _, r := range list {
		out = append(out, filepath.ToSlash(r.Path))
	}
	if len(out) < 2 {
		return out
	}
	for {
		at := strings.IndexByte(out[0], '/')
		if at < 0 || slices.ContainsFunc(out, func(s string) bool { return !strings.HasPrefix(s, out[0][:at+1]) }) {
			return out
		}
		for i := range out {
			out[i] = out[i][at+1:]
		}
	}
}

// drawnRun lists the epochs of a run.
func drawnRun(r *Run) drawn {
	d := drawn{Path: r.Path, Resume: r.State == Interrupted, Columns: r.History.Columns}
	kept := r.Kept()
	for i, row := range r.History.Rows {
		if n := len(r.History.Rows); n > maxRows && i >= maxRows/2 && i < n-maxRows/2 {
			d.Left++
			continue
		}
		e := drawnRow{Epoch: i + 1, Kept: i == kept}
		for _, v := range row {
			e.Cells = append(e.Cells, Number(v))
		}
		d.Rows = append(d.Rows, e)
	}
	return d
}

// Number writes a value with four digits, a dash for one that is not there.
func Number(v float64) string {
	if !finite(v) {
		return "–"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// EpochsText says how many epochs a run has done, and of how many.
func (r *Run) EpochsText() string {
	done := len(r.History.Rows)
	if n := r.Planned(); n > 0 {
		return fmt.Sprintf("%d/%d", done, n)
	}
	return strconv.Itoa(done)
}
