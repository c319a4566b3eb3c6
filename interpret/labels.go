package interpret

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// LabelScores is how well one label is answered, as a 2×2 table of pictures and
// what follows from it.
type LabelScores struct {
	ClassScores
	Right  int `json:"right"`  // pictures that have the label and are answered with it
	Missed int `json:"missed"` // pictures that have it and are not
	False  int `json:"false"`  // pictures that are answered with it and have it not
	Absent int `json:"absent"` // pictures that neither have it nor are answered with it

	AveragePrecision float64 `json:"average_precision"` // over all thresholds, in 0..1
	ROCAUC           Area    `json:"roc_auc"`           // not defined where all pictures have the label, or none
	ECE              float64 `json:"ece"`               // expected calibration error of the label's probability, in 0..1
}

// LabelsReport is the scores of a model whose pictures have any number of labels.
type LabelsReport struct {
	Labels   []LabelScores `json:"labels"`   // in the order of the vocabulary
	Macro    ClassScores   `json:"macro"`    // plain mean over labels
	Micro    ClassScores   `json:"micro"`    // all labels counted together
	Accuracy float64       `json:"accuracy"` // share of pictures and labels that are answered right (accuracy_multi)
	Exact    float64       `json:"exact"`    // share of pictures whose labels are all right
	MAP      float64       `json:"map"`      // mean of the labels' average precision
	ROCAUC   Area          `json:"roc_auc"`  // mean of the labels', where it is defined
}

// Area is an area under a curve, in 0..1. Where it is not defined it is NaN, and null in JSON.
type Area float64

// MarshalJSON implements json.Marshaler.
func (a Area) MarshalJSON() ([]byte, error) {
	if a != a {
		return []byte("null"), nil
	}
	return json.Marshal(float64(a))
}

// errOneClass is the error of what is asked about labels of a table of classes.
var errOneClass = errors.New("interpret: the pictures of this table have one class each: use Report")

// LabelsReport computes the scores of every label, as scikit-learn does. Answers are the
// table's, by the thresholds that it was made with. It returns an error for a table of pictures with one
// class each, and for an empty one.
func (t *Table) LabelsReport() (LabelsReport, error) {
	if len(t.Rows) == 0 {
		return LabelsReport{}, errors.New("interpret: the table has no predictions")
	}
	if t.Rows[0].Actual != NoClass {
		return LabelsReport{}, errOneClass
	}
	n, c := len(t.Rows), len(t.Vocab)
	index := make(map[string]int, c)
	for k, l := range t.Vocab {
		index[l] = k
	}
	has, says := make([]bool, n*c), make([]bool, n*c)
	for i, r := range t.Rows {
		for _, l := range r.Labels {
			has[i*c+index[l]] = true
		}
		for _, l := range r.Answers {
			says[i*c+index[l]] = true
		}
	}
	r := LabelsReport{Labels: make([]LabelScores, c), Macro: ClassScores{Name: "macro avg"}, Micro: ClassScores{Name: "micro avg"}}
	var right, said, actual, all int
	for k := range r.Labels {
		s := &r.Labels[k]
		s.Name = t.Vocab[k]
		for i := range n {
			switch is, answered := has[i*c+k], says[i*c+k]; {
			case is && answered:
				s.Right++
			case is:
				s.Missed++
			case answered:
				s.False++
			default:
				s.Absent++
			}
		}
		s.Support = s.Right + s.Missed
		s.Precision, s.Recall = ratio(s.Right, s.Right+s.False), ratio(s.Right, s.Support)
		s.F1 = ratio(2*s.Right, s.Right+s.False+s.Support)
		if err := t.rankings(s, k, has, c); err != nil {
			return LabelsReport{}, err
		}
		r.Macro.add(s.ClassScores, 1/float64(c))
		r.MAP += s.AveragePrecision / float64(c)
		right, said, actual, all = right+s.Right, said+s.Right+s.False, actual+s.Support, all+s.Right+s.Absent
	}
	r.Micro.Precision, r.Micro.Recall, r.Micro.F1 = ratio(right, said), ratio(right, actual), ratio(2*right, said+actual)
	r.Macro.Support, r.Micro.Support = actual, actual
	r.Accuracy, r.Exact = ratio(all, n*c), t.Accuracy()
	r.ROCAUC = meanDefined(r.Labels)
	return r, nil
}

// meanDefined returns the mean of the labels' areas that are numbers.
func meanDefined(labels []LabelScores) Area {
	var sum, count Area
	for _, s := range labels {
		if s.ROCAUC == s.ROCAUC {
			sum, count = sum+s.ROCAUC, count+1
		}
	}
	return sum / count
}

// rankings fills in what follows from label k's probabilities.
func (t *Table) rankings(s *LabelScores, k int, has []bool, c int) error {
	n := len(t.Rows)
	p, y := tensor.New(n, 1), tensor.New(n, 1)
	for i, r := range t.Rows {
		p.Data[i] = r.Probs[k]
		if has[i*c+k] {
			y.Data[i] = 1
		}
	}
	s.ECE = t.LabelCalibration(k, 0).ECE
	ap, auc := metrics.AveragePrecision(metrics.Macro), metrics.ROCAUC(metrics.Macro)
	for _, m := range []metrics.Metric{ap, auc} {
		if err := m.Update(p, target.Targets{Values: y}); err != nil {
			return fmt.Errorf("interpret: label %q: %w", s.Name, err)
		}
	}
	s.AveragePrecision, s.ROCAUC = ap.Value(), Area(auc.Value())
	return nil
}

// String lays the report out as a table, a line for each label.
func (r LabelsReport) String() string {
	names := make([]string, len(r.Labels))
	for i, s := range r.Labels {
		names[i] = s.Name
	}
	w := widest(names, len("macro avg"))
	f := func(v float64) string {
		if v != v {
			return "–"
		}
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	var b strings.Builder
	row := func(name string, cells ...string) {
		b.WriteString(padLeft(name, w))
		for _, c := range cells {
			b.WriteString(" " + padLeft(c, 9))
		}
		b.WriteByte('\n')
	}
	row("", "precision", "recall", "f1-score", "support", "missed", "false", "avg prec", "ROC AUC")
	b.WriteByte('\n')
	for _, s := range r.Labels {
		row(s.Name, f(s.Precision), f(s.Recall), f(s.F1), strconv.Itoa(s.Support), strconv.Itoa(s.Missed), strconv.Itoa(s.False), f(s.AveragePrecision), f(float64(s.ROCAUC)))
	}
	b.WriteByte('\n')
	row("macro avg", f(r.Macro.Precision), f(r.Macro.Recall), f(r.Macro.F1), strconv.Itoa(r.Macro.Support), "", "", f(r.MAP), f(float64(r.ROCAUC)))
	row("micro avg", f(r.Micro.Precision), f(r.Micro.Recall), f(r.Micro.F1), strconv.Itoa(r.Micro.Support))
	return b.String()
}

// Together is a label that is missed or falsely answered where another one is
// present: what the model takes for what.
type Together struct {
	Label string `json:"label"` // answered, while the picture does not have it
	With  string `json:"with"`  // missed in the same picture
	Count int    `json:"count"` // pictures
}

// MostConfusedLabels returns the pairs of labels of which one was answered in place
// of the other in at least min pictures, most frequent first, equal ones by name.
func (t *Table) MostConfusedLabels(min int) []Together {
	counts := map[[2]string]int{}
	for _, r := range t.Rows {
		for _, said := range r.Answers {
			if slices.Contains(r.Labels, said) {
				continue
			}
			for _, missed := range r.Labels {
				if !slices.Contains(r.Answers, missed) {
					counts[[2]string{said, missed}]++
				}
			}
		}
	}
	var out []Together
	for pair, n := range counts {
		if n >= min {
			out = append(out, Together{pair[0], pair[1], n})
		}
	}
	slices.SortFunc(out, func(a, b Together) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.With, b.With), cmp.Compare(a.Label, b.Label))
	})
	return out
}
