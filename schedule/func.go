// Package schedule says how the hyperparameters of training move: cosine,
// linear, exponential and polynomial curves, fastai's one-cycle, flat-cosine
// and SGDR schedules, the two phases of fine_tune, learning rates per layer
// group, and what to read out of a learning-rate finder's curve.
//
// Everything is a pure function of the position in training, a number in
// [0,1], so that a resumed run goes on exactly where it stopped.
package schedule

import (
	"fmt"
	"math"
)

// Func gives the value of one hyperparameter at a position in [0,1].
type Func func(pos float64) float64

// No stays at start (fastai's SchedNo).
func No(start float64) Func {
	return func(float64) float64 { return start }
}

// Lin moves from start to end along a straight line (fastai's SchedLin):
// start + pos*(end-start).
func Lin(start, end float64) Func {
	return func(pos float64) float64 { return start + float64(pos*(end-start)) }
}

// Cos moves from start to end along half a cosine, slow at both ends (fastai's
// SchedCos): start + (1+cos(pi*(1-pos)))*(end-start)/2.
func Cos(start, end float64) Func {
	return func(pos float64) float64 {
		return start + float64((1+math.Cos(math.Pi*(1-pos)))*(end-start)/2)
	}
}

// Exp moves from start to end by equal factors (fastai's SchedExp):
// start*(end/start)^pos. Both ends must have the same sign and not be 0.
func Exp(start, end float64) Func {
	return func(pos float64) float64 { return start * math.Pow(end/start, pos) }
}

// Poly moves from start to end along a power of the position (fastai's
// SchedPoly): start + (end-start)*pos^power.
func Poly(start, end, power float64) Func {
	return func(pos float64) float64 { return start + float64((end-start)*math.Pow(pos, power)) }
}

// Combine runs scheds one after the other, each over its share of training
// (fastai's combine_scheds). There are as many shares as schedules, none
// negative, and they add up to 1. A share of 0 skips its schedule.
//
// fastai finds the position inside a share in float32, which moves values by up
// to 2e-5 of themselves near the end of training; Combine does the same, so
// that its values are fastai's to the digit.
func Combine(shares []float64, scheds []Func) (Func, error) {
	if len(shares) == 0 || len(shares) != len(scheds) {
		return nil, fmt.Errorf("schedule: %d shares for %d schedules: give one share for each, at least one", len(shares), len(scheds))
	}
	starts := make([]float32, len(shares)+1)
	// Added in float64 and rounded entry by entry, as torch.cumsum does for a
	// float32 tensor on a CPU.
	var sum, rounded float64
	for i, s := range shares {
		if !(s >= 0) {
			return nil, fmt.Errorf("schedule: share %d is %v: shares must not be negative", i, s)
		}
		sum += s
		rounded += float64(float32(s))
		starts[i+1] = float32(rounded)
	}
	if math.Abs(sum-1) > 1e-9 {
		return nil, fmt.Errorf("schedule: the shares %v add up to %v: they must add up to 1", shares, sum)
	}
	for i := range scheds {
		if scheds[i] == nil {
			return nil, fmt.Errorf("schedule: schedule %d is nil", i)
		}
	}
	scheds = append([]Func(nil), scheds...)
	last := len(scheds) - 1
	return func(pos float64) float64 {
		p := float32(pos)
		i := last
		for i > 0 && !(p >= starts[i]) {
			i--
		}
		// At the very end an empty last share must not divide by zero.
		for i > 0 && starts[i+1] == starts[i] {
			i--
		}
		within := (p - starts[i]) / (starts[i+1] - starts[i])
		return scheds[i](float64(within))
	}, nil
}

// CombinedCos moves from start to middle over the share pct of training, then
// from middle to end, both along cosines (fastai's combined_cos). pct is in
// [0,1].
func CombinedCos(pct, start, middle, end float64) (Func, error) {
	if !(pct >= 0 && pct <= 1) {
		return nil, fmt.Errorf("schedule: pct_start is %v: it must be between 0 and 1", pct)
	}
	return Combine([]float64{pct, 1 - pct}, []Func{Cos(start, middle), Cos(middle, end)})
}

// Position returns the position in training before the step iter (from 0) of
// epoch (from 0), for epochs of iters steps each: epoch/epochs +
// iter/(iters*epochs). The first step is at 0 and none reaches 1. The second
// term is added up step by step, because that is what fastai's pct_train does
// and its rounding shows in the last digit. It returns 0 when epochs or iters is
// less than 1.
func Position(epoch, epochs, iter, iters int) float64 {
	if epochs < 1 || iters < 1 {
		return 0
	}
	pos := float64(epoch) / float64(epochs)
	step := 1 / float64(iters*epochs)
	for range iter {
		pos += step
	}
	return pos
}
