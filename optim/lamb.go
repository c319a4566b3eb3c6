package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/optimizer"
)

// LAMB is timm's Lamb (You et al., "Large batch optimization for deep learning", 2020):
// Adam whose step is as long, for each parameter tensor, as the tensor's norm says. For
// step t of a parameter p with gradient g, after the gradients of all parameters
// together are scaled down to the norm MaxNorm:
//
//	avg = mom*avg + (1-mom)*g
//	sqr = SqrMom*sqr + (1-SqrMom)*g*g
//	u   = avg/(1-mom^t) / (sqrt(sqr/(1-SqrMom^t)) + Eps) + wd*p
//	p   = p - lr * |p|/|u| * u
//
// where the ratio is 1 if a norm is 0, and for tensors without weight decay. Step
// changes Grad. The zero value of each field means timm's default.
type LAMB struct {
	SqrMom  float64 // beta2; 0 means 0.999
	Eps     float64 // 0 means 1e-6
	Mom     float64 // beta1 where no schedule moves it, of Defaults; 0 means 0.9
	MaxNorm float64 // of all gradients; 0 means 1, a negative value no limit

	// Fastai makes it fastai's Lamb: decoupled weight decay before the step, a ratio for
	// every tensor that is 10 at most, no limit of the norm, and by default SqrMom 0.99,
	// Eps 1e-5 and no weight decay.
	Fastai bool

	mem  memory
	room []float32 // for the steps of one tensor
}

func (o *LAMB) withDefaults() (sqrMom, eps, maxNorm float64) {
	if o.Fastai {
		return cmp.Or(o.SqrMom, 0.99), cmp.Or(o.Eps, 1e-5), cmp.Or(o.MaxNorm, -1)
	}
	return cmp.Or(o.SqrMom, 0.999), cmp.Or(o.Eps, 1e-6), cmp.Or(o.MaxNorm, 1)
}

// Name implements Optimizer.
func (o *LAMB) Name() string {
	sqrMom, eps, maxNorm := o.withDefaults()
	form := ""
	if o.Fastai {
		form = ",fastai"
	}
	return fmt.Sprintf("lamb(sqr_mom=%g,eps=%g,max_norm=%g%s)", sqrMom, eps, max(maxNorm, 0), form)
}

// Defaults implements Optimizer: lr 1e-3, mom 0.9, wd 0.01, and none in fastai's form.
func (o *LAMB) Defaults() Hyper {
	h := Hyper{LR: 1e-3, Mom: cmp.Or(o.Mom, 0.9), WD: 0.01}
	if o.Fastai {
		h.WD = 0
	}
	return h
}

// Step implements Optimizer.
func (o *LAMB) Step(groups [][]*Param, hyper []Hyper) error {
	sqrMom, eps, maxNorm := o.withDefaults()
	if err := checkMoments(sqrMom, eps); err != nil {
		return fmt.Errorf("optim: lamb: %w", err)
	}
	if math.IsNaN(maxNorm) {
		return fmt.Errorf("optim: lamb: MaxNorm is NaN: it must be a norm, or negative for none")
	}
	if err := o.mem.prepare(groups, hyper, true, true); err != nil {
		return err
	}
	if norm := GradNorm(groups); maxNorm > 0 && norm > maxNorm {
		for _, params := range groups {
			for _, p := range params {
				scale(p.Grad, float32(maxNorm/norm))
			}
		}
	}
	o.mem.each(groups, hyper, func(p *Param, s *slot, h Hyper) {
		// Adam's step from 0, at rate -1, is what the parameter would move by.
		u := o.zeros(len(p.Data))
		adam := optimizer.Adam{LR: -1, Mom: h.Mom, SqrMom: sqrMom, Eps: eps, Debias1: debias(h.Mom, s.Step), Debias2: debias(sqrMom, s.Step)}
		adam.Step(u, p.Grad, s.Avg, s.Sqr)
		decay := h.WD
		if o.Fastai {
			scale(p.Data, float32(1-float64(h.LR*h.WD)))
			decay = 0
		}
		addL2(u, p.Data, decay)
		ratio := 1.0
		if o.Fastai || h.WD != 0 {
			ratio = trust(math.Sqrt(sumSquares(p.Data)), math.Sqrt(sumSquares(u)))
		}
		if o.Fastai {
			ratio = min(ratio, 10)
		}
		elementwise.AXPY(float32(-h.LR*ratio), u, p.Data)
	})
	return nil
}

// trust is the ratio of the norms of a tensor and of its step.
func trust(tensor, step float64) float64 {
	if tensor > 0 && step > 0 {
		return tensor / step
	}
	return 1
}

// zeros returns n zeros, in memory that the next call uses again.
func (o *LAMB) zeros(n int) []float32 {
	if cap(o.room) < n {
		o.room = make([]float32, n)
	}
	clear(o.room[:n])
	return o.room[:n]
}

// Reset implements Optimizer.
func (o *LAMB) Reset() { o.mem.reset() }

// State implements Optimizer.
func (o *LAMB) State() State { return o.mem.state(o.Name()) }

// SetState implements Optimizer.
func (o *LAMB) SetState(s State) error { return o.mem.setState(o.Name(), s) }
