package run

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/train"
)

// Updates are the settings of how gradients move the weights. The zero value is
// fastai's way.
type Updates struct {
	ClipNorm  float64 `json:"clip_norm,omitempty"`  // highest norm of the gradient; 0 for none
	EMA       float64 `json:"ema,omitempty"`        // decay of the average of weights; 0 for none
	EMAWarmUp bool    `json:"ema_warmup,omitempty"` // see train.EMA
}

// check reports the first value that cannot be.
func (u Updates) check() error {
	bad := func(flag string, value any, want string) error {
		return fmt.Errorf("--%s %v: %s", flag, value, want)
	}
	switch {
	case !(u.ClipNorm >= 0) || math.IsInf(u.ClipNorm, 0):
		return bad("clip-norm", u.ClipNorm, "must be 0 (none), or the norm that gradients may have, such as 1")
	case !(u.EMA >= 0 && u.EMA < 1):
		return bad("ema", u.EMA, "must be 0 (none) or more, and below 1, such as 0.999")
	case u.EMAWarmUp && u.EMA == 0:
		return bad("ema-warmup", true, "it is about the average of weights: give --ema 0.999 too")
	}
	return nil
}

// options are what the settings tell a learner.
func (u Updates) options() []train.Option {
	return []train.Option{train.ClipNorm(u.ClipNorm), train.AverageWeights(u.average())}
}

func (u Updates) average() train.EMA { return train.EMA{Decay: u.EMA, WarmUp: u.EMAWarmUp} }

// checkAverage refuses an average that the run is too short for: the model would be
// mostly the one that the first step left.
func (c Config) checkAverage(dls *data.DataLoaders) error {
	steps := dls.Train.Len() * (c.Epochs + c.FreezeEpochs)
	if remains := c.average().Remains(steps); c.EMA > 0 && remains > 0.5 {
		return fmt.Errorf("--ema %v: the average looks back over about %.0f steps, but the run has %d, so that %.0f %% of it would be the weights after the first step: give a smaller decay, more epochs, or --ema-warmup",
			c.EMA, 1/(1-c.EMA), steps, 100*remains)
	}
	return nil
}
