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
