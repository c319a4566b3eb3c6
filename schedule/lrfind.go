package schedule

import (
	"fmt"
	"math"
)

// Finder is the bookkeeping of a learning-rate finder (Smith, "Cyclical
// learning rates for training neural networks", 2017; fastai's lr_find): which
// rate each step takes, when to stop, and what was seen. The training loop
// takes LR for the next step, trains it, and hands the loss to Observe until
// that says stop. The zero value of each option means fastai's default.
type Finder struct {
	Start float64 // first rate; 0 means 1e-7
	End   float64 // the rate after the last step, never reached; 0 means 10
	Steps int     // at most; 0 means 100, and fewer than 6 mean 6

	// Diverge is how many times its best value the smoothed loss must pass to
	// end the search; 0 means 4, and a negative number never ends it so.
	Diverge float64

	curve  Curve
	smooth Smooth
	best   float64
}

// Curve is what a learning-rate finder recorded, one entry for each step.
type Curve struct {
	LRs    []float64 // learning rate of the step, of the last layer group
	Losses []float64 // smoothed training loss after the step (Smooth)
	Raw    []float64 // the step's own loss
	Steps  int       // steps that were meant to be taken
}

func (f *Finder) options() (start, end float64, steps int, diverge float64) {
	start, end, steps, diverge = f.Start, f.End, f.Steps, f.Diverge
	if start == 0 {
		start = 1e-7
	}
	if end == 0 {
		end = 10
	}
	if steps == 0 {
		steps = 100
	}
	if diverge == 0 {
		diverge = 4
	}
	return start, end, max(steps, 6), diverge
}

// Check reports options that make no sweep. Call it once, before training.
func (f *Finder) Check() error {
	start, end, _, diverge := f.options()
	if !(start > 0) || !(end > start) || math.IsInf(end, 0) {
		return fmt.Errorf("schedule: learning-rate finder from %g to %g: it needs finite rates above 0, the end above the start (fastai's are 1e-7 and 10)", start, end)
	}
	if diverge != diverge {
		return fmt.Errorf("schedule: learning-rate finder that stops at NaN times the best loss: give a number above 1 (fastai's is 4)")
	}
	return nil
}

// Max returns how many steps the search takes at most.
func (f *Finder) Max() int {
	_, _, steps, _ := f.options()
	return steps
}

// LR returns the rate of the next step: Start*(End/Start)^(i/Steps) for step i
// from 0.
func (f *Finder) LR() float64 {
	start, end, steps, _ := f.options()
	return Exp(start, end)(float64(len(f.curve.Raw)) / float64(steps))
}

// Observe records the loss of a step and reports whether to stop: all steps are
// taken, or the smoothed loss has passed Diverge times its best, or the loss is
// not finite. The step that stops is recorded too.
func (f *Finder) Observe(loss float64) (stop bool) {
	_, _, steps, diverge := f.options()
	if len(f.curve.Raw) == 0 {
		f.best = math.Inf(1)
	}
	lr := f.LR()
	smooth := f.smooth.Add(loss)
	f.curve.LRs = append(f.curve.LRs, lr)
	f.curve.Losses = append(f.curve.Losses, smooth)
	f.curve.Raw = append(f.curve.Raw, loss)
	f.curve.Steps = steps
	if math.IsNaN(smooth) || math.IsInf(smooth, 0) {
		// fastai runs on, but no later smoothed loss can be finite again.
		return true
	}
	f.best = min(f.best, smooth)
	return (diverge > 0 && smooth > diverge*f.best) || len(f.curve.Raw) >= steps
}

// Curve returns what was recorded so far. It shares storage with f.
func (f *Finder) Curve() Curve { return f.curve }
