package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Activation is a function that is applied to every value of an array of any
// shape: an operation of its own, and what convolutions, normalizations and
// linear layers can apply to their result. The zero Activation is Identity.
type Activation uint8 // an elementwise.Activation

// The activations, with the definitions that torch.nn has of them. A NaN stays
// NaN in all.
const (
	Identity    = Activation(elementwise.Identity)    // x
	ReLU        = Activation(elementwise.ReLU)        // max(x, 0)
	ReLU6       = Activation(elementwise.ReLU6)       // min(max(x, 0), 6)
	Sigmoid     = Activation(elementwise.Sigmoid)     // 1/(1 + exp(-x))
	SiLU        = Activation(elementwise.SiLU)        // x*sigmoid(x), also known as swish
	Hardsigmoid = Activation(elementwise.Hardsigmoid) // min(max(x+3, 0), 6)/6
	Hardswish   = Activation(elementwise.Hardswish)   // x*hardsigmoid(x)
	GELU        = Activation(elementwise.GELU)        // x*Φ(x), Φ being the distribution function of the standard normal
	GELUTanh    = Activation(elementwise.GELUTanh)    // x*(1 + tanh(√(2/π)*(x + 0.044715*x³)))/2, which is close to GELU
)

// Name is that of the activation, such as "relu".
func (a Activation) Name() string { return elementwise.Activation(a).String() }

// Shape is that of x.
func (a Activation) Shape(dst []int, in [][]int) ([]int, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	return append(dst, in[0]...), nil
}

// check returns an error for a value that is none of the constants.
func (a Activation) check() error {
	if !elementwise.Activation(a).Known() {
		return fmt.Errorf("there is no %s: use one of package op's constants", a.Name())
	}
	return nil
}

// Forward applies it.
func (a Activation) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return activated(tp, in[0], a)
}

// Compile prepares nothing.
func (a Activation) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		elementwise.Activation(a).Apply(in[0].Data, out.Data)
	})
}

// ONNX is the operators of the activation; of Identity, nothing.
func (a Activation) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return a.export(e, name, in[0]), nil
}

// MACs is 0.
func (a Activation) MACs([][]int) float64 { return 0 }

// Rewrites lets the operation before apply the activation.
func (a Activation) Rewrites() []graph.Rewrite { return activationRewrites }

var activationRewrites = []graph.Rewrite{
	{Name: "identity", Uses: graph.OnTape | graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
		if p.Op(v).(Activation) != Identity {
			return false
		}
		p.Bypass(v, p.Inputs(v)[0])
		return true
	}},
	{Name: "activation(operation)", Uses: graph.OnTape | graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
		in := p.Inputs(v)[0]
		o, ok := p.Op(in).(TakesActivation)
		if !ok || p.Readers(in) > 1 {
			return false
		}
		with := o.WithActivation(p.Mode, p.Op(v).(Activation))
		if with == nil {
			return false
		}
		p.Replace(v, with, p.Inputs(in)...)
		return true
	}},
}

// onTape splits the activation of an operation on a tape in two: ReLU, whose mask
// operations leave and apply themselves, and what is recorded as an operation of
// its own, by activated.
func (a Activation) onTape() (relu bool, rest Activation) {
	if a == ReLU {
		return true, Identity
	}
	return false, a
}

// fuses reports whether an operation that ends in a can apply next instead, in
// this mode: in inference any, on a tape ReLU, by the mask.
func (a Activation) fuses(m graph.Mode, next Activation) bool {
	return a == Identity && (next == ReLU || m.Use == graph.Inference)
}

// after is a of y, which nobody else will read in the forward pass.
func after(tp *autograd.Tape, y *autograd.Variable, a Activation) *autograd.Variable {
	if a == Identity {
		return y
	}
	z := activated(tp, y, a)
	tp.Free(y)
	return z
}

// activated is a of x. The backward pass of ReLU reads the result, that of any
// other x, from which the result can be recomputed.
func activated(tp *autograd.Tape, x *autograd.Variable, a Activation) *autograd.Variable {
	if a == Identity {
		return x
	}
	k := elementwise.Activation(a)
	y := tp.New(x.Value.Shape...)
	tp.Timed(a.Name(), func() { k.Apply(x.Value.Data, y.Value.Data) })
	saved := y
	if a != ReLU {
		saved = x
		if x.NeedsGrad() {
			autograd.Recompute(tp, y, []*autograd.Variable{x}, activationSaved{x, x, k}, recomputeActivation)
		}
	}
	autograd.Record(tp, a.Name(), y, x.NeedsGrad(), []*autograd.Variable{saved}, activationSaved{x, saved, k}, activationBackward)
	return y
}

// activationSaved is what the backward pass of an activation needs, and what its
// value is recomputed from.
type activationSaved struct {
	x     *autograd.Variable
	saved *autograd.Variable // x or the result
	a     elementwise.Activation
}

func activationBackward(tp *autograd.Tape, y *autograd.Variable, s *activationSaved) {
	s.a.Backward(y.Grad.Data, tp.Saved(s.saved), y.Grad.Data)
	tp.GiveGrad(s.x, y)
}

func recomputeActivation(tp *autograd.Tape, dst []float32, s *activationSaved) {
	s.a.Apply(tp.Saved(s.x), dst)
}
