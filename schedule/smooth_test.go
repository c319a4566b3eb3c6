package schedule

import (
	"math"
	"testing"
)

// fastai's smoothed loss of constant losses is that constant from the first
// step on: that is what debiasing is for.
func TestSmoothIsDebiased(t *testing.T) {
	var s Smooth
	if s.Value() != 0 {
		t.Errorf("before the first step: %v, want 0", s.Value())
	}
	for i := range 200 {
		// 1-0.98 rounds in float32 to a number 1e-6 off 0.02.
		if got := s.Add(2.5); math.Abs(got-2.5) > 1e-5 {
			t.Fatalf("step %d: %v, want 2.5", i, got)
		}
	}
	if got := s.Add(0); math.Abs(got-2.5*0.98) > 0.01 {
		t.Errorf("after a loss of 0: %v, want about 2.45", got)
	}
	resumed := Smooth{Mean: s.Mean, Count: s.Count}
	if a, b := s.Add(1), resumed.Add(1); a != b {
		t.Errorf("resumed from its fields: %v, going on: %v", b, a)
	}
	s.Reset()
	if got := s.Add(3); math.Abs(got-3) > 1e-5 {
		t.Errorf("first loss after Reset: %v, want 3", got)
	}
	s.Add(math.NaN())
	if !math.IsNaN(s.Value()) {
		t.Errorf("after a NaN loss: %v, want NaN", s.Value())
	}
}
