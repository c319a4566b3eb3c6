package train

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/nn"
)

// EMA asks for an exponential moving average of the weights, which generalizes better
// than the weights of the last step (Polyak and Juditsky 1992; Izmailov et al. 2018
// for the even mean). After step t from 1 the average of everything in the model's
// state, parameters and running statistics, becomes
//
//	decay·average + (1-decay)·state
//
// and the first step copies the state: timm's ModelEmaV3, and PyTorch's AveragedModel
// with get_ema_multi_avg_fn and use_buffers.
//
// Validation, callbacks from BeforeValidate to AfterEpoch, and so SaveBest, see the
// averaged model, and at the end of a plan it is the learner's. A plan begins a new
// average; its phases share one.
type EMA struct {
	// Decay is how much of the average stays at a step, in [0,1); 0 means no average.
	// It looks back over about 1/(1-Decay) steps: 0.999 over a thousand.
	Decay float64
	// WarmUp lets the decay of step t begin low, 1-t^(-2/3) until that passes Decay
	// (timm's use_warmup), so that a short run does not end near its beginning.
	WarmUp bool
}

// AverageWeights lets the learner keep an average of the weights.
func AverageWeights(e EMA) Option { return func(l *Learner) { l.EMA = e } }

// Check reports a decay that cannot be.
func (e EMA) Check() error {
	if !(e.Decay >= 0 && e.Decay < 1) {
		return fmt.Errorf("a decay of %v for the average of weights: it must be 0 (none) or more, and below 1", e.Decay)
	}
	return nil
}

// at is the decay of step t, from 1.
func (e EMA) at(t int) float64 {
	switch {
	case t <= 1:
		return 0
	case e.WarmUp:
		return min(e.Decay, 1-math.Pow(float64(t), -2.0/3))
	}
	return e.Decay
}

// Remains returns the share that the state after the first of n steps has in the
// average at the end.
func (e EMA) Remains(n int) float64 {
	share := 1.0
	for t := 2; t <= n && share > 1e-9; t++ {
		share *= e.at(t)
	}
	return share
}

// String names the average for a checkpoint; "" for none.
func (e EMA) String() string {
	switch {
	case e.Decay == 0:
		return ""
	case e.WarmUp:
		return fmt.Sprintf("ema(decay=%g,warm-up)", e.Decay)
	}
	return fmt.Sprintf("ema(decay=%g)", e.Decay)
}

// average is the average of a plan under way.
type average struct {
	EMA
	steps int          // that it is of
	model *nn.Snapshot // nil before the first
	shown bool         // it is in the learner's model, and the model's own state in model
}

// update takes a step into the average.
func (a *average) update(state nn.StateDict) {
	if a == nil {
		return
	}
	if a.steps++; a.model == nil {
		a.model = state.Snapshot()
		return
	}
	state.Average(a.model, 1-a.at(a.steps))
}

// show puts the average into the learner's model, or takes it out again.
func (a *average) show(state nn.StateDict, on bool) {
	if a == nil || a.model == nil || a.shown == on {
		return
	}
	state.Swap(a.model)
	a.shown = on
}
