package interpret

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestNewTableRefuses(t *testing.T) {
	two := []string{"cat", "dog"}
	nan := float32(math.NaN())
	for _, c := range []struct {
		name   string
		vocab  []string
		paths  []string
		actual []int
		probs  [][]float32
		losses []float32
		want   string // part of the error
	}{
		{"no classes", nil, nil, nil, nil, nil, "vocabulary is empty"},
		{"too few actual", two, nil, []int{0}, [][]float32{{1, 0}, {0, 1}}, nil, "1 actual classes for 2 rows"},
		{"too few paths", two, []string{}, []int{0}, [][]float32{{1, 0}}, nil, "0 paths for 1 rows"},
		{"too many losses", two, nil, []int{0}, [][]float32{{1, 0}}, []float32{1, 2}, "2 losses for 1 rows"},
		{"short row", two, nil, []int{0}, [][]float32{{1}}, nil, "1 probabilities for 2 classes"},
		{"class too high", two, []string{"a.jpg"}, []int{2}, [][]float32{{1, 0}}, nil, "row 0 (a.jpg): actual class 2 is not in 0..1"},
		{"class negative", two, nil, []int{-1}, [][]float32{{1, 0}}, nil, "actual class -1"},
		{"logits", two, nil, []int{0}, [][]float32{{3, -2}}, nil, "apply softmax first"},
		{"not normalised", two, nil, []int{0}, [][]float32{{0.5, 0.1}}, nil, "sum to 0.6"},
		{"NaN", two, nil, []int{0}, [][]float32{{nan, 1}}, nil, "diverged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewTable(c.vocab, c.paths, c.actual, c.probs, c.losses)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestEmptyTable(t *testing.T) {
	table, err := NewTable([]string{"cat", "dog"}, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(table.Accuracy()) || !math.IsNaN(table.MeanLoss()) || !math.IsNaN(table.TopKAccuracy(1)) {
		t.Error("scores of no examples must be NaN")
	}
	if c := table.Calibration(0); c.ECE != 0 || len(c.Bins) != DefaultBins {
		t.Errorf("calibration of no examples is %v", c)
	}
	if r := table.Report(); r.Accuracy != 0 || len(r.Classes) != 2 || r.Matthews != 0 {
		t.Errorf("report of no examples is %+v", r)
	}
	if got := table.TopLosses(5); len(got) != 0 {
		t.Errorf("top losses of no examples are %v", got)
	}
	_ = table.ConfusionMatrix().String()
}

func TestLossesNotNumbers(t *testing.T) {
	nan := float32(math.NaN())
	half := []float32{0.5, 0.5}
	table, err := NewTable([]string{"a", "b"}, nil, []int{0, 1, 0, 1}, [][]float32{half, half, half, half}, []float32{1, nan, 3, nan})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, l := range table.TopLosses(0) {
		got = append(got, l.Index)
	}
	if want := []int{1, 3, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("order is %v, want %v: what is not a number first", got, want)
	}
}

func TestZeroProbabilityHasFiniteLoss(t *testing.T) {
	table, err := NewTable([]string{"a", "b"}, nil, []int{1}, [][]float32{{1, 0}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l := float64(table.Rows[0].Loss); math.IsInf(l, 0) || l < 80 {
		t.Errorf("loss is %v, want a large finite one", l)
	}
}

func TestConfusionsOfOneCell(t *testing.T) {
	g, table := goldenTable(t)
	for a := range g.Vocab {
		for p := range g.Vocab {
			got := table.Confusions(a, p)
			if len(got) != g.Matrix[a][p] {
				t.Errorf("cell %d,%d has %d examples, want %d", a, p, len(got), g.Matrix[a][p])
			}
			for i := 1; i < len(got); i++ {
				if got[i].Loss > got[i-1].Loss {
					t.Errorf("cell %d,%d is not sorted by loss", a, p)
				}
			}
		}
	}
}

func TestConfusionMatrixRefuses(t *testing.T) {
	v := []string{"a", "b"}
	for _, c := range []struct {
		name              string
		actual, predicted []int
		want              string
	}{
		{"lengths differ", []int{0}, nil, "1 actual and 0 predicted"},
		{"actual too high", []int{0, 2}, []int{0, 0}, "example 1: actual 2"},
		{"predicted negative", []int{0}, []int{-1}, "predicted -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewConfusionMatrix(v, c.actual, c.predicted)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestNormalizedRows(t *testing.T) {
	m, err := NewConfusionMatrix([]string{"a", "b", "never seen"}, []int{0, 0, 0, 1}, []int{0, 0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float64{{2. / 3, 1. / 3, 0}, {0, 0, 1}, {0, 0, 0}}
	for i, row := range m.Normalized() {
		if !slices.Equal(row, want[i]) {
			t.Errorf("row %d is %v, want %v", i, row, want[i])
		}
	}
}

func TestBinEdges(t *testing.T) {
	for _, c := range []struct {
		conf float64
		bins int
		want int
	}{{0, 10, 0}, {0.05, 10, 0}, {0.1, 10, 0}, {0.11, 10, 1}, {0.5, 2, 0}, {1, 10, 9}, {1.01, 10, 9}} {
		if got := binOf(c.conf, c.bins); got != c.want {
			t.Errorf("%v of %d bins is %d, want %d", c.conf, c.bins, got, c.want)
		}
	}
}
