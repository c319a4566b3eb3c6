package confidence

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/tensor"
)

// TestStrangeness compares with numpy and scikit-learn (testdata/strangeness.py).
func TestStrangeness(t *testing.T) {
	var f struct {
		Cases []struct {
			Name      string
			Features  [][]float32
			Classes   []int
			Of        int
			Shrinkage float64
			Pictures  [][]float32
			Distance  []float64
		}
	}
	readCases(t, "strangeness.json", &f)
	for _, c := range f.Cases {
		s, err := FitStrangeness(rows(c.Features), c.Classes, c.Of)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		for i, p := range c.Pictures {
			if got := s.Distance(p); math.Abs(got-c.Distance[i]) > 1e-5*c.Distance[i] {
				t.Errorf("%s: picture %d is %v far; scikit-learn has %v", c.Name, i, got, c.Distance[i])
			}
		}
		width := len(c.Features[0])
		if want := 4 * (c.Of*width + width*(width+1)/2); s.Bytes() != want {
			t.Errorf("%s: %d bytes, want %d", c.Name, s.Bytes(), want)
		}
	}
}

// TestStrangenessOfEmptyClass: a class without training pictures is near to nothing.
func TestStrangenessOfEmptyClass(t *testing.T) {
	x := rows([][]float32{{1, 0}, {0.9, 0.1}, {0.8, 0.1}})
	two, err := FitStrangeness(x, []int{0, 0, 0}, 2)
	if err != nil {
		t.Fatal(err)
	}
	one, err := FitStrangeness(x, []int{0, 0, 0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := two.Distance([]float32{0, 1}), one.Distance([]float32{0, 1}); a != b || !(a > 1) {
		t.Errorf("distance %v with an empty class, %v without", a, b)
	}
	if d := one.Distance([]float32{float32(math.NaN()), 1}); !math.IsInf(d, 1) {
		t.Errorf("features that are not finite are %v far", d)
	}
}

// TestSetLimit: so many of the pictures as the quantile says are within the limit, and one fewer is not enough.
func TestSetLimit(t *testing.T) {
	s, err := FitStrangeness(rows([][]float32{{1, 0}, {0.9, 0.1}, {0.8, 0.1}, {0, 1}}), []int{0, 0, 0, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	var of [][]float32
	for i := range 20 {
		of = append(of, []float32{1, float32(i) / 5})
	}
	for _, c := range []struct {
		quantile float64
		within   int
	}{{1, 20}, {0.95, 19}, {0.91, 19}, {0.9, 18}, {0.01, 1}} {
		if err := s.SetLimit(rows(of), c.quantile); err != nil {
			t.Fatal(err)
		}
		within := 0
		for _, p := range of {
			if s.Distance(p) <= s.Limit {
				within++
			}
		}
		if within != c.within || s.Pictures != 20 || s.Quantile != c.quantile {
			t.Errorf("quantile %v: %d pictures are within the limit, want %d; %+v", c.quantile, within, c.within, s.Limit)
		}
	}
	for _, q := range []float64{0, 1.1, math.NaN()} {
		if err := s.SetLimit(rows(of), q); err == nil || !strings.Contains(err.Error(), "quantile") {
			t.Errorf("quantile %v: %v", q, err)
		}
	}
	for name, x := range map[string]*tensor.Tensor{"no picture": tensor.New(0, 2), "other features": tensor.New(2, 3), "not finite": rows([][]float32{{float32(math.Inf(1)), 0}})} {
		if err := s.SetLimit(x, 1); err == nil {
			t.Errorf("%s: a limit of %v", name, s.Limit)
		}
	}
}

func TestFitStrangenessRefuses(t *testing.T) {
	x := rows([][]float32{{1, 0}, {0, 1}})
	for name, c := range map[string]struct {
		x     *tensor.Tensor
		class []int
		want  string
	}{
		"one picture":   {rows([][]float32{{1, 0}}), []int{0}, "two training pictures"},
		"fewer classes": {x, []int{0}, "for 1 classes"},
		"no such class": {x, []int{0, 2}, "class 2 of 2"},
		"all the same":  {rows([][]float32{{1, 0}, {1, 0}}), []int{0, 0}, "are the same"},
		"not finite":    {rows([][]float32{{1, 0}, {1, float32(math.Inf(1))}}), []int{0, 0}, "training picture 1: its features are not finite"},
	} {
		if _, err := FitStrangeness(c.x, c.class, 2); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
}
