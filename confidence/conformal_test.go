package confidence

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/rng"
)

// TestConformal compares with MAPIE and SciPy (testdata/conformal.py).
func TestConformal(t *testing.T) {
	var f struct {
		Cases []struct {
			Coverage     float64
			Probs, Other [][]float32
			Class        []int
			Least        float64
			Sets         [][]int // 1 for each class in the set
			Spread       [2]float64
		}
	}
	readCases(t, "conformal.json", &f)
	for i, c := range f.Cases {
		got, err := FitConformal(c.Probs, c.Class, c.Coverage)
		if err != nil || math.Abs(float64(got.Least)-c.Least) > 1e-6 || got.Pictures != len(c.Class) || got.Covered < c.Coverage {
			t.Errorf("case %d: %+v, %v; MAPIE has %v", i, got, err, c.Least)
			continue
		}
		if low, high := got.Spread(); math.Abs(low-c.Spread[0]) > 1e-9 || math.Abs(high-c.Spread[1]) > 1e-9 {
			t.Errorf("case %d: the coverage is between %v and %v; SciPy has %v", i, low, high, c.Spread)
		}
		for k, row := range c.Other {
			var want []int
			best := 0
			for j, in := range c.Sets[k] {
				if in == 1 {
					want = append(want, j)
				}
				if row[j] > row[best] {
					best = j
				}
			}
			if want == nil {
				want = []int{best}
			}
			set := got.Set(row)
			if set[0] != best {
				t.Errorf("case %d, picture %d: the set begins with %d, and %d is the most probable", i, k, set[0], best)
			}
			if slices.Sort(set); !slices.Equal(set, want) {
				t.Errorf("case %d, picture %d: set %v; MAPIE has %v", i, k, set, want)
			}
		}
	}
}

// TestConformalCovers: on pictures that the sets were not chosen by, the right class is in the set as
// often as stated.
func TestConformalCovers(t *testing.T) {
	const classes, n, rounds = 4, 200, 40
	r := rng.New(3)
	draw := func() (probs []float32, class int) {
		probs = make([]float32, classes)
		var sum float32
		for k := range probs {
			probs[k] = float32(math.Exp(1.5 * r.Normal()))
			sum += probs[k]
		}
		at := r.Float64()
		for k := range probs {
			probs[k] /= sum
			if at -= float64(probs[k]); at >= 0 {
				class = min(k+1, classes-1)
			}
		}
		return probs, class
	}
	for _, coverage := range []float64{0.8, 0.95} {
		var covered float64
		for range rounds {
			probs, class := make([][]float32, n), make([]int, n)
			for i := range probs {
				probs[i], class[i] = draw()
			}
			c, err := FitConformal(probs, class, coverage)
			if err != nil {
				t.Fatal(err)
			}
			for range n {
				p, k := draw()
				if slices.Contains(c.Set(p), k) {
					covered += 1. / n / rounds
				}
			}
		}
		// 40 times 200 draws, of which the standard deviation is below 0.008.
		if covered < coverage-0.02 || covered > coverage+0.03 {
			t.Errorf("a coverage of %v covers %.3f", coverage, covered)
		}
	}
}

func TestConformalPictures(t *testing.T) {
	for coverage, want := range map[float64]int{0.5: 1, 0.8: 4, 0.9: 9, 0.95: 19, 0.99: 99, 0.9999: 9999, 0.1: 1} {
		if got := ConformalPictures(coverage); got != want {
			t.Errorf("a coverage of %v needs %d pictures, want %d", coverage, got, want)
		}
	}
}

func TestConformalRefuses(t *testing.T) {
	probs, class := [][]float32{{0.9, 0.1}, {0.2, 0.8}}, []int{0, 1}
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		run  func() error
		want string
	}{
		"too few":          {func() error { _, err := FitConformal(probs, class, 0.9); return err }, "a coverage of 0.9 need 9 pictures to be chosen by, and there are 2"},
		"none":             {func() error { _, err := FitConformal(nil, nil, 0.5); return err }, "need 1 pictures"},
		"coverage of 1":    {func() error { _, err := FitConformal(probs, class, 1); return err }, "a coverage of 1:"},
		"coverage of NaN":  {func() error { _, err := FitConformal(probs, class, math.NaN()); return err }, "a coverage of NaN"},
		"no such class":    {func() error { _, err := FitConformal(probs, []int{0, 2}, 0.5); return err }, "picture 1 has class 2 of 2"},
		"classes missing":  {func() error { _, err := FitConformal(probs, []int{0}, 0.5); return err }, "1 classes for the probabilities of 2"},
		"diverged":         {func() error { _, err := FitConformal([][]float32{{nan, nan}}, []int{0}, 0.5); return err }, "picture 0 is not a number"},
		"a negative least": {func() error { return (&Conformal{Coverage: 0.9, Least: -1}).Check() }, "at least -1"},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
}
