package metrics

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Parts of a data set judged apart and merged give what the whole gives: so may
// several machines judge it.
func TestMergedPartsAreTheWhole(t *testing.T) {
	const n, c = 30, 4
	probs, classes := tensor.New(n, c), make([]int, n)
	for i := range n {
		classes[i] = i * i % c
		for j := range c {
			probs.Data[i*c+j] = float32((i*7+j*3)%11) / 22
		}
	}
	whole, first, second, empty := all(), all(), all(), all()
	for k, m := range whole {
		feed(t, m, probs, classes)
		feed(t, first[k], tensor.FromSlice(probs.Data[:12*c], 12, c), classes[:12])
		feed(t, second[k], tensor.FromSlice(probs.Data[12*c:], n-12, c), classes[12:])
		for _, part := range []Metric{first[k], second[k]} {
			if err := empty[k].Merge(part); err != nil {
				t.Fatal(err)
			}
		}
		// Brier's score is a sum of float64, whose order differs.
		if got, want := empty[k].Value(), m.Value(); math.Abs(got-want) > 1e-14 {
			t.Errorf("%s: %v merged, %v at once", m.Name(), got, want)
		}
	}
}

func TestMergeErrors(t *testing.T) {
	three, two := MatthewsCorrCoef(), MatthewsCorrCoef()
	feed(t, three, onehot([]int{0, 1, 2}, 3), []int{0, 1, 2})
	feed(t, two, onehot([]int{0, 1, 1}, 2), []int{0, 1, 1})
	for what, err := range map[string]error{
		"error_rate cannot be merged into accuracy":            Accuracy().Merge(ErrorRate()),
		"top_1_accuracy cannot be merged into top_5_accuracy":  TopKAccuracy(5).Merge(TopKAccuracy(1)),
		"recall_score cannot be merged into precision_score":   Precision(Macro).Merge(Recall(Macro)),
		"no metric cannot be merged into brier_score":          Brier().Merge(nil),
		"counts of 2 classes cannot be added to those of 3":    three.Merge(two),
		"an average of weighted cannot be merged into a macro": F1Score(Macro).Merge(F1Score(Weighted)),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want one that says %q", err, what)
		}
	}
}

// Rows of numbers are targets of another task.
func TestOtherTargets(t *testing.T) {
	y := target.Targets{Values: tensor.New(2, 3)}
	for _, m := range all() {
		if err := m.Update(tensor.New(2, 3), y); err == nil || !strings.Contains(err.Error(), "another task") {
			t.Errorf("%s: error %v, want one that says the data is of another task", m.Name(), err)
		}
	}
}
