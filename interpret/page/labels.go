package page

import (
	"cmp"
	"context"
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/interpret"
)

// What a page of labels shows at most.
const (
	perMistake = 6  // pictures of one kind of mistake of a label
	plotted    = 40 // labels with a reliability diagram; all have their numbers
	together   = 24 // labels in the table of co-occurrence
)

//go:embed labels.html
var labelsHTML string

var labelsTemplate = parse(labelsHTML)

// labelsView is what the template of a page of labels shows.
type labelsView struct {
	shared
	Labels   []labelView
	Macro    interpret.ClassScores
	Micro    interpret.ClassScores
	MAP      float64
	ROCAUC   float64
	InPlace  []interpret.Together
	Together togetherView
	Top      []topLabelsView
}

// labelView is one label: its scores, worst mistakes and calibration.
type labelView struct {
	interpret.LabelScores
	Area           float64 // ROC AUC, NaN where it is not defined
	Sort           float64 // Area, or -1
	Missing, Wrong []shot  // pictures that have the label and are not answered with it, and the reverse
	Cal            interpret.Calibration
	Bins           []interpret.Bin // those with pictures
	Plot           template.URL    // "" for none
	Before         *float64        // ECE without the model's temperature; nil where it has none
}

// shot is a picture with what there is to say about one label of it.
type shot struct {
	Picture int // -1 for none
	Alt     string
	Prob    float64
	Path    string
}

// topLabelsView is one of the top losses.
type topLabelsView struct {
	Right, Missed, False []string // labels
	Loss                 float64
	Path                 string
	topPicture
}

// togetherView is the table of labels that pictures have together.
type togetherView struct {
	Names []string
	Rows  []togetherRow
	Of    int // labels in all
}

type togetherRow struct {
	Name  string
	Cells []togetherCell
}

// togetherCell counts pictures with two labels.
type togetherCell struct {
	Truth, Answers int
	Share          float64 // of the pictures with the row's label in truth, the share that has the column's too
	Same, Off      bool    // one label; counts that differ by more than a tenth of the larger
}

// mistake is a row of the table in which one label is wrong.
type mistake struct {
	row  int
	prob float32
}

// mistakes returns the rows that miss label k, the least probable first, and those
// that are falsely answered with it, the most probable first.
func mistakes(t *interpret.Table, k int) (missed, wrong []mistake) {
	for i, r := range t.Rows {
		switch has, said := slices.Contains(r.Labels, t.Vocab[k]), slices.Contains(r.Answers, t.Vocab[k]); {
		case has && !said:
			missed = append(missed, mistake{i, r.Prob(k)})
		case said && !has:
			wrong = append(wrong, mistake{i, r.Prob(k)})
		}
	}
	slices.SortStableFunc(missed, func(a, b mistake) int { return cmp.Compare(a.prob, b.prob) })
	slices.SortStableFunc(wrong, func(a, b mistake) int { return cmp.Compare(b.prob, a.prob) })
	return missed[:min(len(missed), perMistake)], wrong[:min(len(wrong), perMistake)]
}

// writeLabels writes the page of pictures with any number of labels.
func (b *builder) writeLabels(ctx context.Context, w io.Writer) error {
	t := b.in.Table
	known := make(map[string]bool, len(t.Vocab))
	for _, l := range t.Vocab {
		known[l] = true
	}
	for i, r := range t.Rows {
		if r.Actual != interpret.NoClass {
			return fmt.Errorf("page: row %d (%s) has one class, and the first row has not: a table is of one task", i, r.Path)
		}
		for _, l := range slices.Concat(r.Labels, r.Answers) {
			if !known[l] {
				return fmt.Errorf("page: row %d (%s) has the label %q, which is not in the vocabulary: the page is for classes and labels; Table.WriteCSV writes any table", i, r.Path, l)
			}
		}
	}
	report, err := t.LabelsReport()
	if err != nil {
		return err
	}
	missed, wrong := make([][]mistake, len(t.Vocab)), make([][]mistake, len(t.Vocab))
	for k := range t.Vocab {
		missed[k], wrong[k] = mistakes(t, k)
	}
	if err := b.readPictures(ctx, wantedOfLabels(t, b.o, missed, wrong)); err != nil {
		return err
	}
	v := &labelsView{Macro: report.Macro, Micro: report.Micro, MAP: report.MAP, ROCAUC: float64(report.ROCAUC)}
	if v.shared, err = b.shared(); err != nil {
		return err
	}
	right := 0
	for _, r := range t.Rows {
		if r.Right() {
			right++
		}
	}
	v.Lead = fmt.Sprintf("%d of %d pictures have all of their labels right, of a vocabulary of %d.", right, t.Len(), len(t.Vocab))
	v.Tiles = []tile{
		{"mAP", percent(report.MAP), "mean average precision"},
		{"F1", num(report.Macro.F1), "mean over labels"},
		{"F1, micro", num(report.Micro.F1), "all labels counted together"},
		{"accuracy_multi", percent(report.Accuracy), "pictures and labels answered right"},
		{"all right", percent(report.Exact), "pictures without a mistake"},
		{"mean loss", num(t.MeanLoss()), "of a picture"},
	}
	if v.Labels, err = b.labelViews(report, missed, wrong); err != nil {
		return err
	}
	v.InPlace = t.MostConfusedLabels(1)
	v.InPlace = v.InPlace[:min(len(v.InPlace), b.o.Pairs)]
	v.Together = b.together(report)
	v.Top = b.topLabels()
	if err := b.complete(&v.shared, ""); err != nil {
		return err
	}
	if err := labelsTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("page: writing: %w", err)
	}
	return nil
}

// wantedOfLabels lists rows of the table whose pictures the page should have, the
// most wanted first: the top losses, then of every label the worst mistake of
// either kind, then the second of each, and so on.
func wantedOfLabels(t *interpret.Table, o Options, missed, wrong [][]mistake) []int {
	var w wish
	for _, e := range t.TopLosses(o.TopLosses) {
		w.take(e.Index)
	}
	for n := range perMistake {
		for k := range t.Vocab {
			for _, list := range [][]mistake{missed[k], wrong[k]} {
				if n < len(list) {
					w.take(list[n].row)
				}
			}
		}
	}
	return w.rows
}

func (b *builder) labelViews(report interpret.LabelsReport, missed, wrong [][]mistake) ([]labelView, error) {
	t, before := b.in.Table, b.in.Table.Unscaled()
	out := make([]labelView, len(report.Labels))
	for k, s := range report.Labels {
		v := labelView{LabelScores: s, Area: float64(s.ROCAUC), Sort: float64(s.ROCAUC), Cal: t.LabelCalibration(k, 0)}
		if v.Area != v.Area {
			v.Sort = -1
		}
		if before != nil {
			v.Before = new(before.LabelCalibration(k, 0).ECE)
		}
		v.Missing, v.Wrong = b.shots(missed[k]), b.shots(wrong[k])
		for _, bin := range v.Cal.Bins {
			if bin.Count > 0 {
				v.Bins = append(v.Bins, bin)
			}
		}
		if k < plotted {
			var err error
			if v.Plot, err = reliability(v.Cal, s.Name); err != nil {
				return nil, err
			}
		}
		out[k] = v
	}
	return out, nil
}

// shots returns the pictures of mistakes.
func (b *builder) shots(of []mistake) []shot {
	var out []shot
	for _, m := range of {
		r := b.in.Table.Rows[m.row]
		s := shot{Picture: -1, Prob: float64(m.prob), Path: b.shown(r.Path), Alt: "has " + listed(r.Labels) + ", answered with " + listed(r.Answers)}
		if p, ok := b.picture[m.row]; ok {
			s.Picture = p
		}
		out = append(out, s)
	}
	return out
}

// listed joins labels for reading.
func listed(labels []string) string {
	if len(labels) == 0 {
		return "no label"
	}
	return strings.Join(labels, ", ")
}

// together builds the table of labels that come together, of the most frequent ones.
func (b *builder) together(report interpret.LabelsReport) togetherView {
	t := b.in.Table
	order := make([]int, len(t.Vocab))
	for k := range order {
		order[k] = k
	}
	if len(order) > together {
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(report.Labels[y].Support, report.Labels[x].Support) })
		order = order[:together]
		slices.Sort(order)
	}
	truth, answers := t.CoOccurrence()
	v := togetherView{Of: len(t.Vocab)}
	for _, a := range order {
		v.Names = append(v.Names, t.Vocab[a])
		row := togetherRow{Name: t.Vocab[a]}
		for _, c := range order {
			cell := togetherCell{Truth: truth[a][c], Answers: answers[a][c], Same: a == c}
			if truth[a][a] > 0 {
				cell.Share = float64(truth[a][c]) / float64(truth[a][a])
			}
			difference := max(cell.Truth-cell.Answers, cell.Answers-cell.Truth)
			cell.Off = 10*difference > max(cell.Truth, cell.Answers)
			row.Cells = append(row.Cells, cell)
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

func (b *builder) topLabels() []topLabelsView {
	var out []topLabelsView
	for i, e := range b.in.Table.TopLosses(b.o.TopLosses) {
		v := topLabelsView{Loss: float64(e.Loss), Path: b.shown(e.Path)}
		for _, l := range e.Labels {
			if slices.Contains(e.Answers, l) {
				v.Right = append(v.Right, l)
			} else {
				v.Missed = append(v.Missed, l)
			}
		}
		for _, l := range e.Answers {
			if !slices.Contains(e.Labels, l) {
				v.False = append(v.False, l)
			}
		}
		v.topPicture = b.topPicture(i, e.Index, "has "+listed(e.Labels)+", answered with "+listed(e.Answers))
		out = append(out, v)
	}
	return out
}
