package interpret

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// golden is testdata/09_interpretation.json.
type golden struct {
	Vocab    []string    `json:"vocab"`
	Targets  []int       `json:"targets"`
	Preds    []int       `json:"preds"`
	Probs    [][]float32 `json:"probs"`
	Losses   []float32   `json:"losses"`
	Matrix   [][]int     `json:"confusion_matrix_rows_actual_cols_pred"`
	Min1     [][]any     `json:"most_confused_min1"`
	Min2     [][]any     `json:"most_confused_min2"`
	Top      ranking     `json:"top_losses"`
	Smallest ranking     `json:"smallest7"`
	Error    float64     `json:"error_rate"`
	Accuracy float64     `json:"accuracy"`
	Top2     float64     `json:"top_k_accuracy_2"`
}

type ranking struct {
	Values []float32 `json:"values"`
	Idx    []int     `json:"idx"`
}

// reference is testdata/report.json.
type reference struct {
	ECE15, ECE10 struct {
		Bins [][4]float64 // bin, count, confidence, accuracy
		ECE  float64
		MCE  float64
	}
	Brier, NLL, Matthews  float64
	Precision, Recall, F1 []float64
	Support               []int
	Macro, Weighted       [3]float64
}

func load(t testing.TB, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func goldenTable(t testing.TB) (golden, *Table) {
	t.Helper()
	var g golden
	load(t, "09_interpretation.json", &g)
	paths := make([]string, len(g.Targets))
	for i := range paths {
		paths[i] = fmt.Sprintf("images/%d.jpg", i)
	}
	table, err := NewTable(g.Vocab, paths, g.Targets, g.Probs, g.Losses)
	if err != nil {
		t.Fatal(err)
	}
	return g, table
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %v, want %v (tolerance %g)", what, got, want, tol)
	}
}

func TestFastaiPredictionsAndScores(t *testing.T) {
	g, table := goldenTable(t)
	for i, r := range table.Rows {
		if r.Predicted != g.Preds[i] {
			t.Errorf("row %d is predicted %d, want %d", i, r.Predicted, g.Preds[i])
		}
	}
	// fastai's numbers are float32.
	near(t, "accuracy", table.Accuracy(), g.Accuracy, 1e-7)
	near(t, "error rate", 1-table.Accuracy(), g.Error, 1e-7)
	near(t, "top-2 accuracy", table.TopKAccuracy(2), g.Top2, 1e-7)
	near(t, "top-5 accuracy of 5 classes", table.TopKAccuracy(5), 1, 0)
}

func TestFastaiConfusionMatrix(t *testing.T) {
	g, table := goldenTable(t)
	m := table.ConfusionMatrix()
	for i := range g.Matrix {
		if !slices.Equal(m.Counts[i], g.Matrix[i]) {
			t.Errorf("row %s is %v, want %v", g.Vocab[i], m.Counts[i], g.Matrix[i])
		}
	}
	same, err := NewConfusionMatrix(g.Vocab, g.Targets, g.Preds)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(same) != fmt.Sprint(m) {
		t.Errorf("from indices:\n%v\nfrom the table:\n%v", same, m)
	}
	if m.Total() != 60 || m.Correct() != 36 {
		t.Errorf("total %d, correct %d, want 60 and 36", m.Total(), m.Correct())
	}
}

func TestFastaiMostConfused(t *testing.T) {
	g, table := goldenTable(t)
	for _, c := range []struct {
		name  string
		least int
		want  [][]any
	}{
		{"at least 1", 1, g.Min1},
		{"at least 2", 2, g.Min2},
		{"0 means 1", 0, g.Min1},
		{"more than any", 100, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := table.ConfusionMatrix().MostConfused(c.least)
			if len(got) != len(c.want) {
				t.Fatalf("%d pairs, want %d: %v", len(got), len(c.want), got)
			}
			for i, p := range got {
				want := fmt.Sprintf("%v → %v: %v", c.want[i]...)
				if p.String() != want {
					t.Errorf("pair %d is %q, want %q", i, p, want)
				}
				if table.Name(p.ActualIndex) != p.Actual || table.Name(p.PredictedIndex) != p.Predicted {
					t.Errorf("pair %d: indices %d, %d do not name %q", i, p.ActualIndex, p.PredictedIndex, p)
				}
			}
		})
	}
}

func TestFastaiTopLosses(t *testing.T) {
	g, table := goldenTable(t)
	for _, c := range []struct {
		name string
		got  []Loss
		want ranking
	}{
		{"all", table.TopLosses(0), g.Top},
		{"first 9", table.TopLosses(9), ranking{g.Top.Values[:9], g.Top.Idx[:9]}},
		{"more than there are", table.TopLosses(1000), g.Top},
		{"smallest 7", table.LowestLosses(7), g.Smallest},
	} {
		t.Run(c.name, func(t *testing.T) {
			if len(c.got) != len(c.want.Idx) {
				t.Fatalf("%d entries, want %d", len(c.got), len(c.want.Idx))
			}
			for i, l := range c.got {
				if l.Index != c.want.Idx[i] || l.Loss != c.want.Values[i] {
					t.Errorf("entry %d is row %d, loss %v, want row %d, loss %v", i, l.Index, l.Loss, c.want.Idx[i], c.want.Values[i])
				}
			}
		})
	}
}

func TestLossFromProbabilities(t *testing.T) {
	g, _ := goldenTable(t)
	table, err := NewTable(g.Vocab, nil, g.Targets, g.Probs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range table.Rows {
		// The reference takes the logarithm of a softmax in one go, this of
		// probabilities rounded to float32.
		near(t, fmt.Sprintf("loss %d", i), float64(r.Loss), float64(g.Losses[i]), 1e-5)
	}
}

func TestReportAgainstNumpy(t *testing.T) {
	_, table := goldenTable(t)
	var want reference
	load(t, "report.json", &want)
	r := table.Report()
	const tol = 1e-12 // both are float64 sums of at most 60 terms
	for c, s := range r.Classes {
		near(t, s.Name+" precision", s.Precision, want.Precision[c], tol)
		near(t, s.Name+" recall", s.Recall, want.Recall[c], tol)
		near(t, s.Name+" F1", s.F1, want.F1[c], tol)
		if s.Support != want.Support[c] {
			t.Errorf("%s support is %d, want %d", s.Name, s.Support, want.Support[c])
		}
	}
	for _, a := range []struct {
		got  ClassScores
		want [3]float64
	}{{r.Macro, want.Macro}, {r.Weighted, want.Weighted}} {
		near(t, a.got.Name+" precision", a.got.Precision, a.want[0], tol)
		near(t, a.got.Name+" recall", a.got.Recall, a.want[1], tol)
		near(t, a.got.Name+" F1", a.got.F1, a.want[2], tol)
	}
	near(t, "Matthews", r.Matthews, want.Matthews, tol)
	near(t, "accuracy", r.Accuracy, 0.6, tol)
}

func TestCalibrationAgainstNumpy(t *testing.T) {
	_, table := goldenTable(t)
	var want reference
	load(t, "report.json", &want)
	const tol = 1e-12
	for _, c := range []struct {
		name string
		bins int
		ece  float64
		mce  float64
		rows [][4]float64
	}{
		{"default", 0, want.ECE15.ECE, want.ECE15.MCE, want.ECE15.Bins},
		{"15 bins", 15, want.ECE15.ECE, want.ECE15.MCE, want.ECE15.Bins},
		{"10 bins", 10, want.ECE10.ECE, want.ECE10.MCE, want.ECE10.Bins},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := table.Calibration(c.bins)
			near(t, "ECE", got.ECE, c.ece, tol)
			near(t, "MCE", got.MCE, c.mce, tol)
			near(t, "Brier", got.Brier, want.Brier, tol)
			near(t, "NLL", got.NLL, want.NLL, tol)
			filled := 0
			for _, b := range got.Bins {
				if b.Count > 0 {
					filled++
				}
			}
			if filled != len(c.rows) {
				t.Errorf("%d bins have examples, want %d", filled, len(c.rows))
			}
			for _, r := range c.rows {
				b := got.Bins[int(r[0])]
				if b.Count != int(r[1]) {
					t.Errorf("bin %v has %d examples, want %v", r[0], b.Count, r[1])
				}
				near(t, fmt.Sprintf("bin %v confidence", r[0]), b.Confidence, r[2], tol)
				near(t, fmt.Sprintf("bin %v accuracy", r[0]), b.Accuracy, r[3], tol)
			}
		})
	}
}
