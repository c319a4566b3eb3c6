package interpret

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

// labelsTable is four pictures with labels a, b and c, which nobody has.
func labelsTable(t *testing.T) *Table {
	t.Helper()
	y := tensor.FromSlice([]float32{1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0}, 4, 3)
	probs := [][]float32{{0.9, 0.2, 0.1}, {0.4, 0.8, 0.2}, {0.3, 0.6, 0.7}, {0.2, 0.7, 0.1}}
	table, err := NewTaskTable(task.Decoder{Task: task.MultiLabel, Vocab: []string{"a", "b", "c"}}, nil, target.Targets{Values: y}, probs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLabelsReport(t *testing.T) {
	table := labelsTable(t)
	r, err := table.LabelsReport()
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := r.Labels[0], r.Labels[1], r.Labels[2]
	if a.Right != 1 || a.Missed != 1 || a.False != 0 || a.Absent != 2 || a.Precision != 1 || a.Recall != 0.5 || a.AveragePrecision != 1 || a.ROCAUC != 1 {
		t.Errorf("label a: %+v", a)
	}
	// b is there in the first and the third of 0.8, 0.7, 0.6, 0.2.
	if b.Right != 2 || b.False != 1 || math.Abs(b.AveragePrecision-(1+2.0/3)/2) > 1e-12 || b.ROCAUC != 0.75 {
		t.Errorf("label b: %+v", b)
	}
	if c.Support != 0 || c.False != 1 || !math.IsNaN(float64(c.ROCAUC)) || r.ROCAUC != 0.875 {
		t.Errorf("label c: %+v, mean area %v", c, r.ROCAUC)
	}
	if math.Abs(r.Accuracy-9.0/12) > 1e-12 || r.Exact != 0.25 {
		t.Errorf("accuracy %v, exact %v", r.Accuracy, r.Exact)
	}
	if raw, err := json.Marshal(r); err != nil || !strings.Contains(string(raw), `"roc_auc":null`) {
		t.Errorf("as JSON %s, %v", raw, err)
	}
	if s := r.String(); !strings.Contains(s, "micro avg") || !strings.Contains(s, "–") {
		t.Errorf("as text\n%s", s)
	}
	if pairs := table.MostConfusedLabels(1); len(pairs) != 0 {
		t.Errorf("confused: %v, but no picture misses one label and has another too many", pairs)
	}
	table.Rows[1].Answers = []string{"b", "c"}
	if pairs := table.MostConfusedLabels(1); len(pairs) != 1 || pairs[0] != (Together{"c", "a", 1}) {
		t.Errorf("confused: %v, want c in place of a", pairs)
	}
	classes, err := NewTable([]string{"x", "y"}, nil, []int{0}, [][]float32{{0.5, 0.5}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []*Table{{}, classes} {
		if _, err := wrong.LabelsReport(); err == nil {
			t.Errorf("a report of labels of %d pictures without any", wrong.Len())
		}
		if _, err := wrong.ThresholdsByFBeta(1); err == nil {
			t.Errorf("thresholds by %d pictures without labels", wrong.Len())
		}
	}
}

// TestThresholds compares with what one finds by hand.
func TestThresholds(t *testing.T) {
	table := labelsTable(t)
	by, err := table.ThresholdsByFBeta(1)
	if err != nil {
		t.Fatal(err)
	}
	near := func(v float32, want float64) bool { return math.Abs(float64(v)-want) < 1e-6 }
	if a := by[0]; !near(a.Value, 0.35) || a.Precision != 1 || a.Recall != 1 || a.Actual != 2 {
		t.Errorf("label a: %+v, want a threshold between 0.3 and 0.4", a)
	}
	if b := by[1]; !near(b.Value, 0.4) || b.Recall != 1 || math.Abs(b.Precision-2.0/3) > 1e-12 {
		t.Errorf("label b: %+v, want a threshold between 0.2 and 0.6", b)
	}
	if c := by[2]; c.Value != 0.5 || c.Actual != 0 {
		t.Errorf("label c, which nobody has: %+v, want one half", c)
	}
	if by, err = table.ThresholdsByPrecision(0.9); err != nil || !near(by[1].Value, 0.75) || by[1].Precision != 1 || by[1].Recall != 0.5 {
		t.Errorf("label b at a precision of 0.9: %+v, %v; want a threshold between 0.7 and 0.8", by[1], err)
	}
	table.Rows[3].Probs[1] = 0.95 // no threshold gives that precision any more
	if by, err = table.ThresholdsByPrecision(0.9); err != nil || math.Abs(by[1].Precision-2.0/3) > 1e-12 {
		t.Errorf("label b, when 0.9 is out of reach: %+v, %v; want the best precision", by[1], err)
	}
	for _, bad := range []float64{0, -1, math.NaN(), 1.5} {
		if _, err := table.ThresholdsByPrecision(bad); err == nil {
			t.Errorf("a precision of %v was taken", bad)
		}
	}
	if _, err := table.ThresholdsByFBeta(0); err == nil {
		t.Error("a beta of 0 was taken")
	}
}
