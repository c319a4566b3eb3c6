package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/optimizer"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// RAdam is fastai's RAdam (Liu et al., "On the variance of the adaptive
// learning rate and beyond", 2020): Adam that takes plain momentum steps,
// lr/(1-mom^t)*avg, until the variance of the squared average is bounded (about
// the sixth step), and from then on scales Adam's step by the paper's
// rectification. Weight decay is decoupled. The zero value of each field means
// fastai's default.
type RAdam struct {
	SqrMom float64 // beta2; 0 means 0.99
	Eps    float64 // 0 means 1e-5
	Mom    float64 // beta1 where no schedule moves it, of Defaults; 0 means 0.9

	mem memory
}

func (o *RAdam) withDefaults() (sqrMom, eps float64) {
	return cmp.Or(o.SqrMom, 0.99), cmp.Or(o.Eps, 1e-5)
}

// Name implements Optimizer.
func (o *RAdam) Name() string {
	sqrMom, eps := o.withDefaults()
	return fmt.Sprintf("radam(sqr_mom=%g,eps=%g)", sqrMom, eps)
}

// Defaults implements Optimizer: lr 1e-3 (fastai's Learner), mom 0.9, no weight
// decay.
func (o *RAdam) Defaults() Hyper { return Hyper{LR: 1e-3, Mom: cmp.Or(o.Mom, 0.9)} }

// Step implements Optimizer.
func (o *RAdam) Step(groups [][]*Param, hyper []Hyper) error {
	sqrMom, eps := o.withDefaults()
	if err := checkMoments(sqrMom, eps); err != nil {
		return fmt.Errorf("optim: radam: %w", err)
	}
	if err := o.mem.prepare(groups, hyper, true, true); err != nil {
		return err
	}
	o.mem.each(groups, hyper, func(p *Param, s *slot, h Hyper) {
		d1 := debias(h.Mom, s.Step)
		if r := rectify(sqrMom, s.Step); r > 0 {
			// Adam's step with its rate scaled; decay must not be, so the
			// product lr*wd is kept.
			step := optimizer.Adam{LR: h.LR * r, WD: h.WD / r, Mom: h.Mom, SqrMom: sqrMom, Eps: eps, Debias1: d1, Debias2: debias(sqrMom, s.Step)}
			step.Step(p.Data, p.Grad, s.Avg, s.Sqr)
			return
		}
		warmup(p, s, h, sqrMom, d1)
	})
	return nil
}

// rectify returns the paper's rectification term at a step, or 0 while the
// variance is not bounded.
func rectify(sqrMom float64, step int) float64 {
	inf := 2/(1-sqrMom) - 1
	pow := math.Pow(sqrMom, float64(step))
	r := inf - 2*float64(step)*pow/(1-pow)
	if r <= 5 {
		return 0
	}
	return math.Sqrt((r - 4) * (r - 2) * inf / ((inf - 4) * (inf - 2) * r))
}

// warmup is a momentum step that also feeds the squared average.
func warmup(p *Param, s *slot, h Hyper, sqrMom, debias1 float64) {
	type args struct {
		data, grad, avg, sqr      []float32
		decay, rate, m, m1, k, k1 float32
	}
	a := args{p.Data, p.Grad, s.Avg, s.Sqr, float32(1 - float64(h.LR*h.WD)), float32(h.LR / debias1),
		float32(h.Mom), float32(1 - h.Mom), float32(sqrMom), float32(1 - sqrMom)}
	parallel.ChunksWith(len(p.Data), chunk, a, func(a *args, lo, hi int) {
		data, avg, sqr := a.data[lo:hi], a.avg[lo:hi], a.sqr[lo:hi]
		for i, g := range a.grad[lo:hi] {
			v := float32(a.m*avg[i]) + float32(a.m1*g)
			avg[i], sqr[i] = v, float32(a.k*sqr[i])+float32(a.k1*g*g)
			data[i] = float32(data[i]*a.decay) - float32(a.rate*v)
		}
	})
}

// Reset implements Optimizer.
func (o *RAdam) Reset() { o.mem.reset() }

// State implements Optimizer.
func (o *RAdam) State() State { return o.mem.state(o.Name()) }

// SetState implements Optimizer.
func (o *RAdam) SetState(s State) error { return o.mem.setState(o.Name(), s) }
