package optim

import (
	"cmp"
	"fmt"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// RMSProp is fastai's RMSProp (after Hinton's lecture): sqr = SqrMom*sqr +
// (1-SqrMom)*g*g, then p -= lr * d / (sqrt(sqr)+Eps), where d is the gradient,
// or, with momentum, avg = mom*avg + g. Nothing is debiased. The zero value of
// SqrMom and Eps means fastai's default.
type RMSProp struct {
	SqrMom float64 // 0 means 0.99
	Eps    float64 // 0 means 1e-8
	Mom    float64 // 0 means none, and Hyper.Mom is then not looked at
	L2     bool    // adds wd*p to the gradient in place of decoupled decay; changes Grad

	mem memory
}

func (o *RMSProp) withDefaults() (sqrMom, eps float64) {
	return cmp.Or(o.SqrMom, 0.99), cmp.Or(o.Eps, 1e-8)
}

// Name implements Optimizer.
func (o *RMSProp) Name() string {
	sqrMom, eps := o.withDefaults()
	return fmt.Sprintf("rmsprop(sqr_mom=%g,eps=%g,momentum=%t,l2=%t)", sqrMom, eps, o.Mom != 0, o.L2)
}

// Defaults implements Optimizer: lr 1e-3 (fastai's Learner), the momentum of
// construction, no weight decay.
func (o *RMSProp) Defaults() Hyper { return Hyper{LR: 1e-3, Mom: o.Mom} }

// Step implements Optimizer.
func (o *RMSProp) Step(groups [][]*Param, hyper []Hyper) error {
	sqrMom, eps := o.withDefaults()
	if err := checkMoments(sqrMom, eps); err != nil {
		return fmt.Errorf("optim: rmsprop: %w", err)
	}
	if err := o.mem.prepare(groups, hyper, o.Mom != 0, true); err != nil {
		return err
	}
	o.mem.each(groups, hyper, func(p *Param, s *slot, h Hyper) {
		if o.L2 {
			addL2(p.Grad, p.Data, h.WD)
			h.WD = 0
		}
		o.update(p, s, h, float32(sqrMom), float32(1-sqrMom), float32(eps))
	})
	return nil
}

func (o *RMSProp) update(p *Param, s *slot, h Hyper, keep, take, eps float32) {
	type args struct {
		data, grad, sqr, avg              []float32
		keep, take, eps, decay, mom, rate float32
		momentum                          bool
	}
	a := args{p.Data, p.Grad, s.Sqr, s.Avg, keep, take, eps, float32(1 - float64(h.LR*h.WD)), float32(h.Mom), float32(h.LR), o.Mom != 0}
	parallel.ChunksWith(len(p.Data), chunk, a, func(a *args, lo, hi int) {
		data, sqr := a.data[lo:hi], a.sqr[lo:hi]
		for i, g := range a.grad[lo:hi] {
			v := float32(a.keep*sqr[i]) + float32(a.take*g*g)
			sqr[i] = v
			if a.momentum {
				g += float32(a.mom * a.avg[lo+i])
				a.avg[lo+i] = g
			}
			data[i] = float32(data[i]*a.decay) - a.rate*g/(sqrt(v)+a.eps)
		}
	})
}

// Reset implements Optimizer.
func (o *RMSProp) Reset() { o.mem.reset() }

// State implements Optimizer.
func (o *RMSProp) State() State { return o.mem.state(o.Name()) }

// SetState implements Optimizer.
func (o *RMSProp) SetState(s State) error { return o.mem.setState(o.Name(), s) }
