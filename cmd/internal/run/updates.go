package run

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/train"
)

// Updates are the settings of how gradients move the weights. The zero value is
// fastai's way.
type Updates struct {
	Optimizer string  `json:"optimizer,omitempty"` // of OptimizerNames; "" for adam
	Momentum  string  `json:"momentum,omitempty"`  // a number that stays; "" for the optimizer's usual, which schedules move
	SqrMom    float64 `json:"sqr_mom,omitempty"`   // beta2 or alpha; 0 for the optimizer's usual
	Eps       float64 `json:"eps,omitempty"`       // 0 for the optimizer's usual
	Nesterov  bool    `json:"nesterov,omitempty"`
	L2        bool    `json:"l2,omitempty"`         // weight decay in the gradient
	ClipNorm  float64 `json:"clip_norm,omitempty"`  // highest norm of the gradient; 0 for none
	EMA       float64 `json:"ema,omitempty"`        // decay of the average of weights; 0 for none
	EMAWarmUp bool    `json:"ema_warmup,omitempty"` // see train.EMA
}

// optimizers are the choices of --optimizer in the order in which they are listed.
var optimizers = []struct {
	name string
	mom  float64 // usual momentum
	l2   bool    // whether weight decay is in the gradient where it is first described
	free bool    // whether that can be chosen
	make func(u Updates, mom float64) optim.Optimizer
}{
	{"adam", 0.9, false, true, func(u Updates, mom float64) optim.Optimizer {
		return &optim.Adam{SqrMom: u.SqrMom, Eps: u.Eps, Mom: mom, L2: u.L2}
	}},
	{"adamw", 0.9, false, true, func(u Updates, mom float64) optim.Optimizer {
		o := optim.AdamW()
		o.Mom, o.L2 = mom, u.L2
		given(u.SqrMom, &o.SqrMom)
		given(u.Eps, &o.Eps)
		return o
	}},
	{"sgd", 0.9, true, true, func(u Updates, mom float64) optim.Optimizer {
		return &optim.SGD{Mom: mom, Nesterov: u.Nesterov, L2: u.L2}
	}},
	{"rmsprop", 0, true, true, func(u Updates, mom float64) optim.Optimizer {
		return &optim.TorchRMSProp{Mom: mom, SqrMom: u.SqrMom, Eps: u.Eps, L2: u.L2}
	}},
	{"rmsprop-tf", 0.9, true, true, func(u Updates, mom float64) optim.Optimizer {
		return &optim.TorchRMSProp{TF: true, Mom: mom, SqrMom: u.SqrMom, Eps: u.Eps, L2: u.L2}
	}},
	{"radam", 0.9, false, false, func(u Updates, mom float64) optim.Optimizer {
		return &optim.RAdam{SqrMom: u.SqrMom, Eps: u.Eps, Mom: mom}
	}},
	{"ranger", 0.95, false, false, func(u Updates, mom float64) optim.Optimizer {
		o := optim.RAdam{SqrMom: u.SqrMom, Eps: 1e-6, Mom: mom}
		given(u.Eps, &o.Eps)
		return optim.RangerOf(o)
	}},
	{"lamb", 0.9, false, false, func(u Updates, mom float64) optim.Optimizer {
		return &optim.LAMB{SqrMom: u.SqrMom, Eps: u.Eps, Mom: mom}
	}},
	{"lamb-fastai", 0.9, false, false, func(u Updates, mom float64) optim.Optimizer {
		return &optim.LAMB{Fastai: true, SqrMom: u.SqrMom, Eps: u.Eps, Mom: mom}
	}},
}

// given sets v to a setting that is not 0.
func given(setting float64, v *float64) {
	if setting != 0 {
		*v = setting
	}
}

// OptimizerNames lists what --optimizer takes.
func OptimizerNames() (names []string) {
	for _, o := range optimizers {
		names = append(names, o.name)
	}
	return names
}

// place is the optimizer's place in the list, -1 if it is none of them.
func (u Updates) place() int {
	return slices.Index(OptimizerNames(), cmp.Or(u.Optimizer, "adam"))
}

// UsualDecay returns the weight decay that the optimizer usually has, and whether it
// is in the gradient.
func (u Updates) UsualDecay() (decay float64, l2 bool) {
	k := u.place()
	if k < 0 {
		return 0, false
	}
	return optimizers[k].make(u, optimizers[k].mom).Defaults().WD, optimizers[k].l2
}

// momentum returns the momentum of the run, and whether it is to stay.
func (u Updates) momentum() (mom float64, stays bool, err error) {
	if u.Momentum == "" {
		return optimizers[u.place()].mom, false, nil
	}
	mom, err = strconv.ParseFloat(u.Momentum, 64)
	if err != nil || !(mom >= 0 && mom < 1) {
		return 0, false, fmt.Errorf("--momentum %s: must be a number from 0 up to, not including, 1, such as 0.9", u.Momentum)
	}
	if !slices.Contains([]string{"sgd", "rmsprop", "rmsprop-tf"}, u.Optimizer) && mom == 0 {
		return 0, false, fmt.Errorf("--momentum 0: %s needs a momentum above 0; sgd and rmsprop go without", cmp.Or(u.Optimizer, "adam"))
	}
	return mom, true, nil
}

// check reports the first value that cannot be.
func (u Updates) check() error {
	bad := func(flag string, value any, want string) error {
		return fmt.Errorf("--%s %v: %s", flag, value, want)
	}
	k := u.place()
	if k < 0 {
		return bad("optimizer", u.Optimizer, "must be "+strings.Join(OptimizerNames(), ", "))
	}
	mom, _, err := u.momentum()
	name := optimizers[k].name
	switch {
	case err != nil:
		return err
	case u.Nesterov && name != "sgd":
		return bad("nesterov", true, "goes with --optimizer sgd, not with "+name)
	case u.Nesterov && mom == 0:
		return bad("nesterov", true, "needs a --momentum above 0")
	case u.L2 && !optimizers[k].free:
		return bad("l2", true, name+" has its own place for the weight decay; adam, adamw, sgd and rmsprop let it be chosen")
	case !(u.SqrMom >= 0 && u.SqrMom < 1):
		return bad("sqr-mom", u.SqrMom, "must be above 0 and below 1; 0 is the optimizer's usual")
	case !(u.Eps >= 0) || math.IsInf(u.Eps, 0):
		return bad("eps", u.Eps, "must be above 0; 0 is the optimizer's usual")
	case name == "sgd" && u.SqrMom+u.Eps > 0:
		return bad("optimizer", "sgd", "it has no --sqr-mom and no --eps")
	case !(u.ClipNorm >= 0) || math.IsInf(u.ClipNorm, 0):
		return bad("clip-norm", u.ClipNorm, "must be 0 (none), or the norm that gradients may have, such as 1")
	case !(u.EMA >= 0 && u.EMA < 1):
		return bad("ema", u.EMA, "must be 0 (none) or more, and below 1, such as 0.999")
	case u.EMAWarmUp && u.EMA == 0:
		return bad("ema-warmup", true, "it is about the average of weights: give --ema 0.999 too")
	}
	return nil
}

// options are what the settings tell a learner. They have been checked.
func (u Updates) options() []train.Option {
	opts := []train.Option{train.ClipNorm(u.ClipNorm), train.AverageWeights(u.average())}
	mom, stays, _ := u.momentum()
	opts = append(opts, train.Optimizer(optimizers[u.place()].make(u, mom)))
	if stays {
		opts = append(opts, func(l *train.Learner) { l.Moms = [3]float64{mom, mom, mom} })
	}
	return opts
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
