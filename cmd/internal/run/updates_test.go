package run

import (
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/train"
)

func TestOptimizers(t *testing.T) {
	var seen []string
	for _, c := range []struct {
		u     Updates
		want  string  // as the optimizer calls itself
		mom   float64 // without a schedule
		decay float64 // usual
	}{
		{Updates{}, "adam(sqr_mom=0.99,eps=1e-05,l2=false)", 0.9, 0.01},
		{Updates{Optimizer: "adam", SqrMom: 0.95, Eps: 1e-3, L2: true}, "adam(sqr_mom=0.95,eps=0.001,l2=true)", 0.9, 0.01},
		{Updates{Optimizer: "adamw"}, "adam(sqr_mom=0.999,eps=1e-08,l2=false)", 0.9, 0.01},
		{Updates{Optimizer: "adamw", SqrMom: 0.98, Momentum: "0.8"}, "adam(sqr_mom=0.98,eps=1e-08,l2=false)", 0.8, 0.01},
		{Updates{Optimizer: "sgd", L2: true}, "sgd(momentum=true,l2=true)", 0.9, 0},
		{Updates{Optimizer: "sgd", Nesterov: true}, "sgd(momentum=true,l2=false,nesterov)", 0.9, 0},
		{Updates{Optimizer: "sgd", Momentum: "0"}, "sgd(momentum=false,l2=false)", 0, 0},
		{Updates{Optimizer: "rmsprop", L2: true}, "torch_rmsprop(sqr_mom=0.99,eps=1e-08,momentum=false,l2=true)", 0, 0},
		{Updates{Optimizer: "rmsprop-tf", Eps: 1e-3}, "tf_rmsprop(sqr_mom=0.9,eps=0.001,momentum=true,l2=false)", 0.9, 0},
		{Updates{Optimizer: "radam"}, "radam(sqr_mom=0.99,eps=1e-05)", 0.9, 0},
		{Updates{Optimizer: "ranger"}, "lookahead(k=6,alpha=0.5,radam(sqr_mom=0.99,eps=1e-06))", 0.95, 0.01},
		{Updates{Optimizer: "lamb"}, "lamb(sqr_mom=0.999,eps=1e-06,max_norm=1)", 0.9, 0.01},
		{Updates{Optimizer: "lamb-fastai"}, "lamb(sqr_mom=0.99,eps=1e-05,max_norm=0,fastai)", 0.9, 0},
	} {
		if err := c.u.check(); err != nil {
			t.Error(err)
			continue
		}
		seen = append(seen, c.u.Optimizer)
		mom, _, _ := c.u.momentum()
		o := optimizers[c.u.place()].make(c.u, mom)
		decay, _ := c.u.UsualDecay()
		if o.Name() != c.want || o.Defaults().Mom != c.mom || decay != c.decay {
			t.Errorf("%+v: %s, momentum %v, decay %v; want %s, %v, %v", c.u, o.Name(), o.Defaults().Mom, decay, c.want, c.mom, c.decay)
		}
	}
	for _, name := range OptimizerNames() {
		if !strings.Contains(strings.Join(seen, " "), name) {
			t.Errorf("%s is not tried", name)
		}
	}
}

func TestMomentumThatIsGivenStays(t *testing.T) {
	for _, c := range []struct {
		momentum string
		want     [3]float64
	}{{"", [3]float64{}}, {"0.8", [3]float64{0.8, 0.8, 0.8}}} {
		var l train.Learner
		for _, o := range (Updates{Optimizer: "sgd", Momentum: c.momentum}).options() {
			o(&l)
		}
		if l.Moms != c.want {
			t.Errorf("--momentum %q: a one-cycle's momenta are set to %v, want %v", c.momentum, l.Moms, c.want)
		}
	}
}
