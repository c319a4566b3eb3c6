package metrics

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

var nan = float32(math.NaN())

func all() []Metric {
	return []Metric{
		ErrorRate(), Accuracy(), TopKAccuracy(5), F1Score(Macro), FBeta(2, Micro), Precision(Weighted),
		Recall(Macro), MatthewsCorrCoef(), BalancedAccuracy(), CohenKappa(), Brier(),
	}
}

// Literal values on three items of three classes: right, right at the second
// place, wrong altogether.
func TestLiteralValues(t *testing.T) {
	probs := tensor.FromSlice([]float32{
		0.5, 0.25, 0.25,
		0.5, 0.375, 0.125,
		0.25, 0.75, 0,
	}, 3, 3)
	classes := []int{0, 1, 2}
	for _, c := range []struct {
		m      Metric
		name   string
		unit   string
		higher bool
		want   float64
	}{
		{ErrorRate(), "error_rate", "fraction", false, 2.0 / 3},
		{Accuracy(), "accuracy", "fraction", true, 1.0 / 3},
		{TopKAccuracy(1), "top_1_accuracy", "fraction", true, 1.0 / 3},
		{TopKAccuracy(2), "top_2_accuracy", "fraction", true, 2.0 / 3},
		{TopKAccuracy(5), "top_5_accuracy", "fraction", true, 1},
		{TopKAccuracy(0), "top_1_accuracy", "fraction", true, 1.0 / 3},
		{Precision(Macro), "precision_score", "fraction", true, (0.5 + 0 + 0) / 3},
		{Recall(Macro), "recall_score", "fraction", true, 1.0 / 3},
		{F1Score(Macro), "f1_score", "fraction", true, (2.0 / 3) / 3},
		{FBeta(0.5, Micro), "f0.5_score", "fraction", true, 1.0 / 3},
		{BalancedAccuracy(), "balanced_accuracy_score", "fraction", true, 1.0 / 3},
		{MatthewsCorrCoef(), "matthews_corrcoef", "correlation", true, 0},
		{CohenKappa(), "cohen_kappa_score", "correlation", true, 0},
		{Brier(), "brier_score", "squared error", false, (0.375 + 0.65625 + 1.625) / 3},
	} {
		feed(t, c.m, probs, classes)
		if c.m.Name() != c.name || c.m.Unit() != c.unit || c.m.HigherIsBetter() != c.higher {
			t.Errorf("%s in %s, higher is better: %v; want %s, %s, %v", c.m.Name(), c.m.Unit(), c.m.HigherIsBetter(), c.name, c.unit, c.higher)
		}
		if got := c.m.Value(); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Of equal scores the first class wins; NaN wins over everything, so that a
// broken model is not counted as right by chance of comparison.
func TestTiesAndNaN(t *testing.T) {
	for _, c := range []struct {
		name  string
		row   []float32
		class int
		top1  float64
		top2  float64
	}{
		{"tie, first is true", []float32{1, 1, 0}, 0, 1, 1},
		{"tie, second is true", []float32{1, 1, 0}, 1, 0, 1},
		{"all equal, third is true", []float32{1, 1, 1}, 2, 0, 0},
		{"NaN elsewhere", []float32{1, nan, 0}, 0, 0, 1},
		{"NaN at the true class", []float32{1, nan, 0}, 1, 1, 1},
		{"all NaN, second is true", []float32{nan, nan, nan}, 1, 0, 1},
	} {
		x := tensor.FromSlice(c.row, 1, 3)
		for _, m := range []struct {
			m    Metric
			want float64
		}{{Accuracy(), c.top1}, {TopKAccuracy(1), c.top1}, {TopKAccuracy(2), c.top2}, {ErrorRate(), 1 - c.top1}} {
			if err := m.m.Update(x, target.Classes([]int{c.class})); err != nil {
				t.Fatal(err)
			}
			if got := m.m.Value(); got != m.want {
				t.Errorf("%s: %s is %v, want %v", c.name, m.m.Name(), got, m.want)
			}
		}
	}
}

func TestEmptyAndReset(t *testing.T) {
	for _, m := range all() {
		if !math.IsNaN(m.Value()) {
			t.Errorf("%s of nothing is %v, want NaN", m.Name(), m.Value())
		}
		feed(t, m, onehot([]int{0, 1, 2, 2}, 3), []int{0, 2, 1, 2})
		before := m.Value()
		m.Reset()
		if !math.IsNaN(m.Value()) {
			t.Errorf("%s after Reset is %v, want NaN", m.Name(), m.Value())
		}
		// Another number of classes is fine after Reset, and so is an empty batch.
		if err := m.Update(tensor.New(0, 4), target.Classes(nil)); err != nil {
			t.Errorf("%s: an empty batch: %v", m.Name(), err)
		}
		m.Reset()
		feed(t, m, onehot([]int{0, 1, 2, 2}, 3), []int{0, 2, 1, 2})
		if got := m.Value(); got != before {
			t.Errorf("%s is %v after Reset and the same items, before %v", m.Name(), got, before)
		}
	}
}

func TestUpdateErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		probs   *tensor.Tensor
		classes []int
		want    string
	}{
		{"no tensor", nil, nil, "[items, classes] is needed"},
		{"one dimension", tensor.New(3), []int{0, 0, 0}, "[items, classes] is needed"},
		{"no classes", tensor.New(1, 0), []int{0}, "at least one class"},
		{"storage too short", &tensor.Tensor{Shape: []int{2, 2}, Data: make([]float32, 3)}, []int{0, 0}, "with 3 values"},
		{"too few classes", tensor.New(2, 3), []int{0}, "1 targets for 2 rows"},
		{"class too large", tensor.New(2, 3), []int{0, 3}, "targets[1] is 3"},
		{"class negative", tensor.New(2, 3), []int{-1, 0}, "targets[0] is -1"},
	} {
		for _, m := range all() {
			err := m.Update(c.probs, target.Classes(c.classes))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), m.Name()) {
				t.Errorf("%s: %s: error %v, want one that says %q", c.name, m.Name(), err, c.want)
			}
			if !math.IsNaN(m.Value()) {
				t.Errorf("%s: %s took the batch in despite the error", c.name, m.Name())
			}
		}
	}
}

func TestAverageErrors(t *testing.T) {
	three := onehot([]int{0, 1, 2}, 3)
	if err := F1Score(Binary).Update(three, target.Classes([]int{0, 1, 2})); err == nil || !strings.Contains(err.Error(), "binary average of 3 classes") {
		t.Errorf("binary F1 of three classes: %v", err)
	}
	if err := F1Score(Average(9)).Update(three, target.Classes([]int{0, 1, 2})); err == nil || !strings.Contains(err.Error(), "Average(9)") {
		t.Errorf("unknown average: %v", err)
	}
	m := MatthewsCorrCoef()
	feed(t, m, three, []int{0, 1, 2})
	if err := m.Update(onehot([]int{0}, 2), target.Classes([]int{0})); err == nil || !strings.Contains(err.Error(), "2 classes after batches with 3") {
		t.Errorf("a batch with other classes: %v", err)
	}
}
