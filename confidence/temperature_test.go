package confidence

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// readCases reads a file of reference values into v.
func readCases(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// rows makes one tensor of rows of equal length.
func rows(r [][]float32) *tensor.Tensor {
	x := tensor.New(len(r), len(r[0]))
	for i, row := range r {
		copy(x.Data[i*len(row):], row)
	}
	return x
}

// TestTemperature compares with the minimum that scipy and torch's LBFGS find
// (testdata/temperature.py).
func TestTemperature(t *testing.T) {
	var f struct {
		Cases []struct {
			Name        string
			Logits      [][]float32
			Classes     []int
			Labels      [][]float32
			Temperature float64
		}
	}
	readCases(t, "temperature.json", &f)
	for _, c := range f.Cases {
		y := target.Classes(c.Classes)
		if c.Labels != nil {
			y = target.Targets{Values: rows(c.Labels)}
		}
		got, err := Temperature(rows(c.Logits), y)
		if err != nil || math.Abs(got-c.Temperature) > 2e-6*c.Temperature {
			t.Errorf("%s: %.9f, %v; scipy has %.9f", c.Name, got, err, c.Temperature)
		}
	}
}

// TestTemperatureOfScaledScores: scores that are k times as large need k times the
// temperature.
func TestTemperatureOfScaledScores(t *testing.T) {
	z := rows([][]float32{{2, 0, 1}, {0, 1, 0.5}, {1, 0, 3}, {2, 1, 0}, {0.5, 1, 0}, {0, 2, 1}})
	y := target.Classes([]int{0, 1, 2, 1, 1, 2})
	one, err := Temperature(z, y)
	if err != nil {
		t.Fatal(err)
	}
	for i := range z.Data {
		z.Data[i] *= 4
	}
	four, err := Temperature(z, y)
	if err != nil || math.Abs(four-4*one) > 1e-9*four {
		t.Errorf("four times the scores: temperature %v, %v; want four times %v", four, err, one)
	}
}

func TestTemperatureRefuses(t *testing.T) {
	z := rows([][]float32{{2, 0}, {0, 1}})
	nan := rows([][]float32{{2, 0}, {0, float32(math.NaN())}})
	for name, c := range map[string]struct {
		logits *tensor.Tensor
		y      target.Targets
		want   string
		is     error
	}{
		"all right":          {z, target.Classes([]int{0, 1}), "the lower it is", ErrNoTemperature},
		"all wrong":          {z, target.Classes([]int{1, 0}), "no better than chance", ErrNoTemperature},
		"scores all equal":   {tensor.New(2, 2), target.Classes([]int{1, 0}), "do not determine", ErrNoTemperature},
		"no pictures":        {tensor.New(0, 2), target.Classes(nil), "no pictures", nil},
		"fewer targets":      {z, target.Classes([]int{1}), "for 1 targets", nil},
		"no such class":      {z, target.Classes([]int{0, 2}), "picture 1 has class 2 of 2", nil},
		"not a number":       {nan, target.Classes([]int{0, 1}), "score 1 of picture 1", nil},
		"numbers, no labels": {z, target.Targets{Values: rows([][]float32{{1, 0}, {0, 3}})}, "picture 1 have 3", nil},
		"labels of others":   {z, target.Targets{Values: tensor.New(2, 3)}, "targets of shape [2 3]", nil},
	} {
		v, err := Temperature(c.logits, c.y)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, %v; want an error with %q", name, v, err, c.want)
		}
	}
}
