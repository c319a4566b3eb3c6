package optim

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/optimizer"
)

// SGD is fastai's SGD. With momentum, for a parameter p with gradient g:
//
//	avg = mom*avg + g        (no dampening)
//	p   = p*(1 - lr*wd) - lr*avg
//
// Without, g takes the place of avg; with Nesterov's momentum, g + mom*avg does. As in
// fastai, Mom decides at construction whether there is momentum at all; how much, a
// schedule may then move through Hyper.Mom. With L2 it is torch.optim.SGD.
type SGD struct {
	Mom      float64 // 0 means none, and Hyper.Mom is then not looked at
	Nesterov bool    // Nesterov's momentum, as PyTorch has it (Sutskever et al. 2013); needs Mom
	L2       bool    // adds wd*p to the gradient in place of decoupled decay; changes Grad

	mem memory
}

// Name implements Optimizer.
func (o *SGD) Name() string {
	nesterov := ""
	if o.Nesterov {
		nesterov = ",nesterov"
	}
	return fmt.Sprintf("sgd(momentum=%t,l2=%t%s)", o.Mom != 0, o.L2, nesterov)
}

// Defaults implements Optimizer: lr 1e-3 (fastai's Learner), the momentum of
// construction, no weight decay.
func (o *SGD) Defaults() Hyper { return Hyper{LR: 1e-3, Mom: o.Mom} }

// Step implements Optimizer.
func (o *SGD) Step(groups [][]*Param, hyper []Hyper) error {
	if o.Nesterov && o.Mom == 0 {
		return fmt.Errorf("optim: sgd: Nesterov's momentum needs a momentum: set Mom, usually to 0.9")
	}
	if err := o.mem.prepare(groups, hyper, o.Mom != 0, false); err != nil {
		return err
	}
	o.mem.each(groups, hyper, func(p *Param, s *slot, h Hyper) {
		if o.L2 {
			addL2(p.Grad, p.Data, h.WD)
			h.WD = 0
		}
		switch {
		case o.Mom == 0:
			h.Mom = 0
		case h.Mom == 0: // a schedule at 0: the average is this gradient alone
			copy(s.Avg, p.Grad)
		case o.Nesterov:
			optimizer.SGD{LR: h.LR * h.Mom, WD: h.WD / h.Mom, Mom: h.Mom}.Step(p.Data, p.Grad, s.Avg)
			optimizer.SGD{LR: h.LR}.Step(p.Data, p.Grad, nil)
			return
		}
		optimizer.SGD{LR: h.LR, WD: h.WD, Mom: h.Mom}.Step(p.Data, p.Grad, s.Avg)
	})
	return nil
}

// Reset implements Optimizer.
func (o *SGD) Reset() { o.mem.reset() }

// State implements Optimizer.
func (o *SGD) State() State { return o.mem.state(o.Name()) }

// SetState implements Optimizer.
func (o *SGD) SetState(s State) error { return o.mem.setState(o.Name(), s) }
