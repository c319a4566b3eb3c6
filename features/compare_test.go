package features_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// read fills v from a file of testdata.
func read(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCrossValidate compares with scikit-learn (testdata/folds.py).
func TestCrossValidate(t *testing.T) {
	var of struct {
		Cases []struct {
			Features [][]float32
			Classes  []int
			Of       int
			Decay    float64
		}
	}
	var want struct {
		Cases []struct {
			Case            int
			Linear, Nearest []float64
		}
	}
	read(t, "heads.json", &of)
	read(t, "folds.json", &want)
	for _, w := range want.Cases {
		c := of.Cases[w.Case]
		train, valid := make([][]int, 4), make([][]int, 4)
		for i := range c.Classes {
			for k := range 4 {
				if i/c.Of%4 == k {
					valid[k] = append(valid[k], i)
				} else {
					train[k] = append(train[k], i)
				}
			}
		}
		for name, one := range map[string]struct {
			fit  features.Fit
			want []float64
		}{
			"linear": {func(ctx context.Context, x *tensor.Tensor, y target.Targets, classes int) (features.Scorer, error) {
				return features.FitLinear(ctx, x, y, classes, features.LinearOptions{WeightDecay: c.Decay})
			}, w.Linear},
			"nearest mean": {func(_ context.Context, x *tensor.Tensor, y target.Targets, classes int) (features.Scorer, error) {
				return features.FitNearestMean(x, y, classes)
			}, w.Nearest},
		} {
			got, err := features.CrossValidate(t.Context(), rows(c.Features), target.Classes(c.Classes), c.Of, train, valid, one.fit)
			if err != nil {
				t.Fatal(err)
			}
			mean := 0.0
			for k, e := range got.Errors {
				if mean += one.want[k] / 4; math.Abs(e-one.want[k]) > 1e-6 {
					t.Errorf("case %d, %s: fold %d has an error of %v, scikit-learn %v", w.Case, name, k, e, one.want[k])
				}
			}
			if math.Abs(got.Mean-mean) > 1e-6 {
				t.Errorf("case %d, %s: a mean of %v, want %v", w.Case, name, got.Mean, mean)
			}
		}
	}
}

// TestCrossValidateLabels counts labels, and refuses folds that judge nothing.
func TestCrossValidateLabels(t *testing.T) {
	x := rows([][]float32{{1}, {-1}, {2}, {-2}})
	y := target.Targets{Values: rows([][]float32{{1, 0}, {0, 0}, {1, 1}, {0, 0}})}
	fixed := func(context.Context, *tensor.Tensor, target.Targets, int) (features.Scorer, error) {
		return &features.Head{Weight: []float32{1, 1}, Bias: []float32{0, 0}}, nil
	}
	got, err := features.CrossValidate(t.Context(), x, y, 2, [][]int{{2, 3}, {0, 1}}, [][]int{{0, 1}, {2, 3}}, fixed)
	if err != nil || got.Errors[0] != 0.25 || got.Errors[1] != 0 || math.Abs(got.Spread-0.25/math.Sqrt2) > 1e-12 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := features.CrossValidate(t.Context(), x, y, 2, [][]int{{2, 3}}, [][]int{nil}, fixed); err == nil || !strings.Contains(err.Error(), "fold 1 has no picture") {
		t.Errorf("an empty fold: %v", err)
	}
}

// TestCrossValidateNeighbors judges the vote of the nearest, which answers what no linear head can: of the four corners of a
// square, those on one diagonal are of one class.
func TestCrossValidateNeighbors(t *testing.T) {
	var x [][]float32
	var y, even, odd []int
	for i := range 80 {
		a, b := float32(i/2%2), float32(i/4%2)
		x, y = append(x, []float32{a + float32(i%7)/50, b + float32(i%5)/50}), append(y, (i/2+i/4)%2)
		if i%2 == 0 {
			even = append(even, i)
		} else {
			odd = append(odd, i)
		}
	}
	for name, one := range map[string]struct {
		fit  features.Fit
		want func(mean float64) bool
	}{
		"knn": {func(ctx context.Context, x *tensor.Tensor, y target.Targets, classes int) (features.Scorer, error) {
			return features.FitNeighbors(ctx, x, y, classes)
		}, func(mean float64) bool { return mean == 0 }},
		"linear": {func(ctx context.Context, x *tensor.Tensor, y target.Targets, classes int) (features.Scorer, error) {
			return features.FitLinear(ctx, x, y, classes, features.LinearOptions{WeightDecay: 0.01})
		}, func(mean float64) bool { return mean > 0.2 }},
	} {
		got, err := features.CrossValidate(t.Context(), rows(x), target.Classes(y), 2, [][]int{even, odd}, [][]int{odd, even}, one.fit)
		if err != nil || !one.want(got.Mean) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestChoose(t *testing.T) {
	body := func(mean, spread, ms float64) features.Judged {
		return features.Judged{CrossValidated: features.CrossValidated{Errors: make([]float64, 4), Mean: mean, Spread: spread}, Milliseconds: ms}
	}
	for name, c := range map[string]struct {
		of         []features.Judged
		best, fast int
	}{
		"the best is the fastest": {[]features.Judged{body(0.2, 0.1, 5), body(0.1, 0.1, 3)}, 1, 1},
		"as good and faster":      {[]features.Judged{body(0.1, 0.04, 9), body(0.115, 0.1, 3), body(0.13, 0, 1)}, 0, 1},
		"no spread known":         {[]features.Judged{body(0.1, math.NaN(), 9), body(0.11, math.NaN(), 3)}, 0, 0},
		"one":                     {[]features.Judged{body(0.1, 0.1, 1)}, 0, 0},
	} {
		if best, fast, err := features.Choose(c.of); best != c.best || fast != c.fast || err != nil {
			t.Errorf("%s: %d and %d, %v; want %d and %d", name, best, fast, err, c.best, c.fast)
		}
	}
	if _, _, err := features.Choose(nil); err == nil {
		t.Error("there is a best of no bodies")
	}
}
