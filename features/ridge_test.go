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
	"github.com/whippet-ml/whippet/task"
)

// TestRidge compares with scikit-learn's Ridge (testdata/ridge.py).
func TestRidge(t *testing.T) {
	var f struct {
		Cases []struct {
			Name                        string
			Features, Numbers, Pictures [][]float32
			Decay, MSE                  float64
			Answers                     [][]float64
		}
	}
	b, err := os.ReadFile("testdata/ridge.json")
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil || len(f.Cases) != 4 {
		t.Fatalf("%d cases, %v", len(f.Cases), err)
	}
	for _, c := range f.Cases {
		numbers := len(c.Numbers[0])
		h, err := features.FitRidge(context.Background(), rows(c.Features), target.Targets{Values: rows(c.Numbers)}, numbers, features.LinearOptions{WeightDecay: c.Decay})
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if math.Abs(h.Loss-c.MSE) > 1e-4*c.MSE {
			t.Errorf("%s: mean squared error %v, scikit-learn has %v", c.Name, h.Loss, c.MSE)
		}
		got := answers(t, h, task.Regression{}, c.Pictures)
		scale := make([]float64, numbers) // of each number
		for _, row := range c.Answers {
			for k, v := range row {
				scale[k] = max(scale[k], math.Abs(v))
			}
		}
		for i, row := range c.Answers {
			for k, want := range row {
				if v := float64(got.Data[i*numbers+k]); math.Abs(v-want) > 1e-4*scale[k] {
					t.Errorf("%s: number %d of picture %d is answered %v, by scikit-learn %v", c.Name, k, i, v, want)
				}
			}
		}
	}
	x := rows([][]float32{{1, 2}, {2, 1}, {3, 3}})
	if _, err := features.FitRidge(context.Background(), x, target.Classes([]int{0, 1, 1}), 2, features.LinearOptions{}); err == nil || !strings.Contains(err.Error(), "FitLinear") {
		t.Errorf("classes as numbers: %v", err)
	}
	if _, err := features.FitRidge(context.Background(), x, target.Targets{Values: rows([][]float32{{1}, {2}, {3}})}, 2, features.LinearOptions{}); err == nil || !strings.Contains(err.Error(), "of 2") {
		t.Errorf("one number of two: %v", err)
	}
}
