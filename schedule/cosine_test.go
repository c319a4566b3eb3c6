package schedule

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// TestCosineIsItsPeers compares with testdata/cosine.json, to a relative 1e-9:
// PyTorch works the rates out one from the other, and gathers rounding.
func TestCosineIsItsPeers(t *testing.T) {
	raw, err := os.ReadFile("testdata/cosine.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Torch, Timm []float64 }
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		want          []float64
		div, divFinal float64
	}{{"torch", want.Torch, 100, 100}, {"timm", want.Timm, 100, 0}} {
		s, err := Cosine([]float64{0.3}, 0.2, c.div, c.divFinal)
		if err != nil {
			t.Fatal(err)
		}
		for step, v := range c.want {
			lr, mom := []float64{0}, []float64{0.9}
			s.At(Position(step/10, 4, step%10, 10), lr, mom)
			if math.Abs(lr[0]-v) > 1e-9*v || mom[0] != 0.9 {
				t.Errorf("%s, step %d: rate %v, momentum %v; want %v, 0.9", c.name, step, lr[0], mom[0], v)
			}
		}
	}
	s, err := Cosine([]float64{1, 2}, 0, 100, 0)
	if err != nil || s.LR[1](0) != 2 || math.Abs(s.LR[0](0.5)-0.5) > 1e-12 || s.LR[0](1) != 0 {
		t.Errorf("without warm-up: %v; rates %v, %v, %v", err, s.LR[1](0), s.LR[0](0.5), s.LR[0](1))
	}
	for _, c := range []struct {
		warmUp, div, divFinal float64
		want                  string
	}{{1, 100, 0, "warm-up of 1"}, {math.NaN(), 100, 0, "warm-up of NaN"}, {0.1, 0.5, 0, "div is 0.5"}, {0, 100, 0.1, "div_final is 0.1"}} {
		if _, err := Cosine([]float64{1}, c.warmUp, c.div, c.divFinal); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
}
