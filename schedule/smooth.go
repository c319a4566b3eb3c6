package schedule

import "math"

// SmoothBeta is how much of the old mean fastai's training loss keeps at each
// step.
const SmoothBeta = 0.98

// Smooth is the training loss as fastai shows it (AvgSmoothLoss): an
// exponential mean of the batch losses that keeps the share SmoothBeta of
// itself at each step, divided by what it would be if all losses were 1, so
// that it is not drawn to 0 in the beginning. It runs on from epoch to epoch
// and is reset when a fit begins. The zero value is ready; the fields are what
// a checkpoint stores. Arithmetic is float32, as fastai's.
type Smooth struct {
	Mean  float32 `json:"mean"`  // not yet debiased
	Count int     `json:"count"` // losses so far
}

// Add takes in the loss of a training step and returns the smoothed value.
func (s *Smooth) Add(loss float64) float64 {
	// torch.lerp as a CPU computes it for a float32 weight of one half and more:
	// mean - (mean-loss)*(1-beta), with the product not rounded.
	const beta float32 = SmoothBeta
	away := s.Mean - float32(loss)
	s.Mean = float32(float64(s.Mean) - float64(float64(away)*float64(1-beta)))
	s.Count++
	return s.Value()
}

// Value returns the smoothed loss, 0 before the first step.
func (s *Smooth) Value() float64 {
	if s.Count < 1 {
		return 0
	}
	return float64(s.Mean / float32(1-math.Pow(SmoothBeta, float64(s.Count))))
}

// Reset begins anew.
func (s *Smooth) Reset() { *s = Smooth{} }
