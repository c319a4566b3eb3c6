package optim

import (
	"cmp"
	"fmt"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// TorchRMSProp is RMSProp (after Hinton's lecture) in PyTorch's form, or TensorFlow's,
// which networks such as EfficientNet and MobileNet were trained with. Unlike in
// fastai's RMSProp, momentum gathers steps that are scaled already. For a parameter p
// with gradient g:
//
//	sqr = SqrMom*sqr + (1-SqrMom)*g*g
//	d   = g / (sqrt(sqr) + Eps)         TensorFlow's: g / sqrt(sqr + Eps)
//	avg = mom*avg + d                   TensorFlow's: mom*avg + lr*d
//	p   = p - lr*avg                    TensorFlow's: p - avg
//
// sqr begins at 0, TensorFlow's at 1. They are torch.optim.RMSprop and timm's
// RMSpropTF. Weight decay is decoupled, p*(1-lr*wd), unless L2 is set, as it is in both
// by default.
type TorchRMSProp struct {
	TF     bool    // TensorFlow's form
	SqrMom float64 // alpha; 0 means 0.99, for TensorFlow's form 0.9
	Eps    float64 // 0 means 1e-8, for TensorFlow's form 1e-10
	Mom    float64 // 0 means none, and Hyper.Mom is then not looked at
	L2     bool    // adds wd*p to the gradient in place of decoupled decay; changes Grad

	mem memory
}

func (o *TorchRMSProp) withDefaults() (sqrMom, eps float64) {
	if o.TF {
		return cmp.Or(o.SqrMom, 0.9), cmp.Or(o.Eps, 1e-10)
	}
	return cmp.Or(o.SqrMom, 0.99), cmp.Or(o.Eps, 1e-8)
}

// Name implements Optimizer.
func (o *TorchRMSProp) Name() string {
	sqrMom, eps := o.withDefaults()
	form := "torch"
	if o.TF {
		form = "tf"
	}
	return fmt.Sprintf("%s_rmsprop(sqr_mom=%g,eps=%g,momentum=%t,l2=%t)", form, sqrMom, eps, o.Mom != 0, o.L2)
}

// Defaults implements Optimizer: lr 1e-3, the momentum of construction, no weight decay.
func (o *TorchRMSProp) Defaults() Hyper { return Hyper{LR: 1e-3, Mom: o.Mom} }

// Step implements Optimizer.
func (o *TorchRMSProp) Step(groups [][]*Param, hyper []Hyper) error {
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
		if o.TF && s.Step == 1 {
			for i := range s.Sqr {
				s.Sqr[i] = 1
			}
		}
		o.update(p, s, h, float32(sqrMom), float32(1-sqrMom), float32(eps))
	})
	return nil
}

func (o *TorchRMSProp) update(p *Param, s *slot, h Hyper, keep, take, eps float32) {
	type args struct {
		data, grad, sqr, avg               []float32
		keep, take, inside, outside, decay float32
		mom, gather, rate                  float32 // avg = mom*avg + gather*d; p -= rate*avg
		momentum                           bool
	}
	a := args{data: p.Data, grad: p.Grad, sqr: s.Sqr, avg: s.Avg, keep: keep, take: take, outside: eps, decay: float32(1 - float64(h.LR*h.WD)),
		mom: float32(h.Mom), gather: 1, rate: float32(h.LR), momentum: o.Mom != 0}
	if o.TF {
		a.inside, a.outside, a.gather, a.rate = eps, 0, float32(h.LR), 1
	}
	parallel.ChunksWith(len(p.Data), chunk, a, func(a *args, lo, hi int) {
		data, sqr := a.data[lo:hi], a.sqr[lo:hi]
		for i, g := range a.grad[lo:hi] {
			v := float32(a.keep*sqr[i]) + float32(a.take*g*g)
			sqr[i] = v
			d := a.gather * g / (sqrt(v+a.inside) + a.outside)
			if a.momentum {
				d += float32(a.mom * a.avg[lo+i])
				a.avg[lo+i] = d
			}
			data[i] = float32(data[i]*a.decay) - float32(a.rate*d)
		}
	})
}

// Reset implements Optimizer.
func (o *TorchRMSProp) Reset() { o.mem.reset() }

// State implements Optimizer.
func (o *TorchRMSProp) State() State { return o.mem.state(o.Name()) }

// SetState implements Optimizer.
func (o *TorchRMSProp) SetState(s State) error { return o.mem.setState(o.Name(), s) }
