package confidence

import (
	"math"
	"slices"
	"testing"
)

func TestMeasures(t *testing.T) {
	for _, c := range []struct {
		m     Measure
		probs []float32
		want  float64
	}{
		{Margin, []float32{0.5, 0.25, 0.25}, 0.75},
		{Margin, []float32{0.25, 0.25, 0.5}, 0.75},
		{Margin, []float32{0, 1, 0}, 0},
		{Margin, []float32{0.5, 0.5}, 1},
		{LeastConfident, []float32{0.25, 0.5, 0.25}, 0.5},
		{Entropy, []float32{0.25, 0.25, 0.25, 0.25}, 1},
		{Entropy, []float32{0.5, 0.5, 0, 0}, 0.5},
		{Entropy, []float32{1, 0}, 0},
		{Entropy, []float32{1}, 0},
		{Margin, nil, 0},
	} {
		if got := c.m.Of(c.probs); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s of %v is %v, want %v", c.m, c.probs, got, c.want)
		}
	}
	labels := []float32{0, 0.5, 1, 0.25}
	for m, want := range map[Measure]float64{Margin: 1, LeastConfident: 0.5, Entropy: (1 + 0.8112781244591328) / 4} {
		if got := m.OfLabels(labels); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s of labels is %v, want %v", m, got, want)
		}
	}
	if Measure("guess").Check() == nil || Margin.Check() != nil {
		t.Error("Check takes what is no measure, or refuses one")
	}
}

// TestDiverse has two groups of pictures that are nearly the same, and one apart: each group is
// drawn from before one is drawn from again.
func TestDiverse(t *testing.T) {
	features := [][]float32{{1, 0, 0}, {3, 0.03, 0}, {0, 1, 0}, {0, 2, 0.02}, {0, 0, 1}, {0, 0, 0}}
	uncertainty := []float64{0.9, 0.8, 0.85, 0.7, 0.2, 0}
	var order []int
	picks := Diverse(uncertainty, features, 10)
	for _, p := range picks {
		order = append(order, p.Index)
	}
	if want := []int{0, 2, 4, 1, 3, 5}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
	if picks[0].Distance != 2 || math.Abs(picks[1].Distance-1) > 1e-12 || picks[5].Distance != 1 {
		t.Errorf("distances %v", picks)
	}
	// The same pictures again and again: the more uncertain ones first, then the first.
	same := Diverse([]float64{0.1, 0.5, 0.5}, [][]float32{{1, 1}, {1, 1}, {1, 1}}, 3)
	if same[0].Index != 1 || same[1].Index != 2 || same[2].Index != 0 {
		t.Errorf("the same picture three times: %v", same)
	}
	if got := Diverse(nil, nil, 3); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
	if got := Diverse(uncertainty, features, 2); len(got) != 2 {
		t.Errorf("two of six: %v", got)
	}
}
