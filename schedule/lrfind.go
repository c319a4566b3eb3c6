package schedule

import (
	"cmp"
	"fmt"
	"math"
)

// What zero options of a Finder mean: fastai's lr_find.
const (
	DefaultFinderStart = 1e-7
	DefaultFinderEnd   = 10.0
	DefaultFinderSteps = 100
)

// Finder is the bookkeeping of a learning-rate finder (Smith, "Cyclical
// learning rates for training neural networks", 2017; fastai's lr_find): which
// rate each step takes, when to stop, and what was seen. The training loop
// takes LR for the next step, trains it, and hands the loss to Observe until
// that says stop. The zero value of each option means fastai's default.
type Finder struct {
	Start float64 // first rate; 0 means DefaultFinderStart
	End   float64 // the rate after the last step, never reached; 0 means DefaultFinderEnd
	Steps int     // at most; 0 means DefaultFinderSteps, and fewer than 6 mean 6

	// Diverge is how many times its best value the smoothed loss must pass to
	// end the search; 0 means 4, and a negative number never ends it so.
	Diverge float64

	curve  LRCurve
	smooth Smooth
	best   float64
}

// LRCurve is what a learning-rate finder recorded, one entry for each step.
type LRCurve struct {
	LRs    []float64 // learning rate of the step, of the last layer group
	Losses []float64 // smoothed training loss after the step (Smooth)
	Raw    []float64 // the step's own loss
	Steps  int       // steps that were meant to be taken
}

// withDefaults returns f with fastai's defaults in place of zero options.
func (f Finder) withDefaults() Finder {
	f.Start = cmp.Or(f.Start, DefaultFinderStart)
	f.End = cmp.Or(f.End, DefaultFinderEnd)
	f.Steps = max(cmp.Or(f.Steps, DefaultFinderSteps), 6)
	f.Diverge = cmp.Or(f.Diverge, 4)
	return f
}

// Check reports options that make no sweep. Call it once, before training.
func (f Finder) Check() error {
	o := f.withDefaults()
	if !(o.Start > 0) || !(o.End > o.Start) || math.IsInf(o.End, 0) {
		return fmt.Errorf("schedule: learning-rate finder from %g to %g: it needs finite rates above 0, the end above the start (fastai's are %g and %g)", o.Start, o.End, DefaultFinderStart, DefaultFinderEnd)
	}
	if math.IsNaN(o.Diverge) {
		return fmt.Errorf("schedule: learning-rate finder that stops at NaN times the best loss: give a number above 1 (fastai's is 4)")
	}
	return nil
}

// Max returns how many steps the search takes at most.
func (f Finder) Max() int {
	return f.withDefaults().Steps
}

// LR returns the rate of the next step: Start*(End/Start)^(i/Steps) for step i
// from 0.
func (f *Finder) LR() float64 {
	o := f.withDefaults()
	return Exp(o.Start, o.End)(float64(len(f.curve.Raw)) / float64(o.Steps))
}

// Observe records the loss of a step and reports whether to stop: all steps are
// taken, or the smoothed loss has passed Diverge times its best, or the loss is
// not finite. The step that stops is recorded too.
func (f *Finder) Observe(loss float64) (stop bool) {
	o := f.withDefaults()
	if len(f.curve.Raw) == 0 {
		f.best = math.Inf(1)
	}
	lr := f.LR()
	smooth := f.smooth.Add(loss)
	f.curve.LRs = append(f.curve.LRs, lr)
	f.curve.Losses = append(f.curve.Losses, smooth)
	f.curve.Raw = append(f.curve.Raw, loss)
	f.curve.Steps = o.Steps
	if math.IsNaN(smooth) || math.IsInf(smooth, 0) {
		// fastai runs on, but no later smoothed loss can be finite again.
		return true
	}
	f.best = min(f.best, smooth)
	return (o.Diverge > 0 && smooth > o.Diverge*f.best) || len(f.curve.Raw) >= o.Steps
}

// Curve returns what was recorded so far. It shares storage with f.
func (f *Finder) Curve() LRCurve { return f.curve }
