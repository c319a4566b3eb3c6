package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/optimizer"
)

// Adam is fastai's Adam (Kingma and Ba 2015) with decoupled weight decay
// (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), its
// default optimizer. For step t of a parameter p with gradient g:
//
//	p   = p * (1 - lr*wd)
//	avg = mom*avg + (1-mom)*g
//	sqr = SqrMom*sqr + (1-SqrMom)*g*g
//	p   = p - lr/(1-mom^t) * avg / (sqrt(sqr/(1-SqrMom^t)) + Eps)
//
// Eps is outside the root, and mom is the momentum of this very step even when
// a schedule moves it. The zero value of each field means fastai's default.
type Adam struct {
	SqrMom float64 // beta2; 0 means 0.99
	Eps    float64 // 0 means 1e-5
	Mom    float64 // beta1 where no schedule moves it, of Defaults; 0 means 0.9
	L2     bool    // adds wd*p to the gradient in place of decoupled decay (fastai's decouple_wd=False); changes Grad

	mem memory
}

// AdamW returns Adam with PyTorch's constants, betas 0.9 and 0.999 and eps 1e-8: its
// rule is torch.optim.AdamW's.
func AdamW() *Adam { return &Adam{SqrMom: 0.999, Eps: 1e-8} }

func (a *Adam) withDefaults() (sqrMom, eps float64) {
	return cmp.Or(a.SqrMom, 0.99), cmp.Or(a.Eps, 1e-5)
}

// Name implements Optimizer.
func (a *Adam) Name() string {
	sqrMom, eps := a.withDefaults()
	return fmt.Sprintf("adam(sqr_mom=%g,eps=%g,l2=%t)", sqrMom, eps, a.L2)
}

// Defaults implements Optimizer: lr 1e-3 (fastai's Learner), mom 0.9, wd 0.01.
func (a *Adam) Defaults() Hyper {
	return Hyper{LR: 1e-3, Mom: cmp.Or(a.Mom, 0.9), WD: 0.01}
}

// Step implements Optimizer.
func (a *Adam) Step(groups [][]*Param, hyper []Hyper) error {
	sqrMom, eps := a.withDefaults()
	if err := checkMoments(sqrMom, eps); err != nil {
		return fmt.Errorf("optim: adam: %w", err)
	}
	if err := a.mem.prepare(groups, hyper, true, true); err != nil {
		return err
	}
	a.mem.each(groups, hyper, func(p *Param, s *slot, h Hyper) {
		if a.L2 {
			addL2(p.Grad, p.Data, h.WD)
			h.WD = 0
		}
		step := optimizer.Adam{LR: h.LR, WD: h.WD, Mom: h.Mom, SqrMom: sqrMom, Eps: eps, Debias1: debias(h.Mom, s.Step), Debias2: debias(sqrMom, s.Step)}
		step.Step(p.Data, p.Grad, s.Avg, s.Sqr)
	})
	return nil
}

// Reset implements Optimizer.
func (a *Adam) Reset() { a.mem.reset() }

// State implements Optimizer.
func (a *Adam) State() State { return a.mem.state(a.Name()) }

// SetState implements Optimizer.
func (a *Adam) SetState(s State) error { return a.mem.setState(a.Name(), s) }

// debias is what a running mean that began at zero has to be divided by after
// step steps.
func debias(mom float64, step int) float64 { return 1 - math.Pow(mom, float64(step)) }

func checkMoments(sqrMom, eps float64) error {
	if !(sqrMom > 0 && sqrMom < 1) {
		return fmt.Errorf("sqr_mom is %v: it must lie between 0 and 1 (fastai's default is 0.99)", sqrMom)
	}
	if !(eps > 0) || math.IsInf(eps, 0) {
		return fmt.Errorf("eps is %v: it must be a finite number above 0", eps)
	}
	return nil
}
