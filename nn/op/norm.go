package op

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Norm is batch normalization of x [...,C]: with the batch's statistics in
// training and the running ones otherwise. It may add a second input of x's shape.
type Norm struct {
	State *autograd.BatchNormState
	ReLU  bool // applied to the result
}

// Name is "batch norm".
func (n *Norm) Name() string { return "batch norm" }

// Shape is that of x.
func (n *Norm) Shape(dst []int, in [][]int) ([]int, error) {
	s := in[0]
	if c := len(n.State.RunningMean); len(s) < 2 || s[len(s)-1] != c {
		return nil, fmt.Errorf("%d channels reach a batch norm for %d", s[len(s)-1], c)
	}
	return append(dst, s...), nil
}

// Trains reports whether scale or shift trains.
func (n *Norm) Trains() bool { return trains(n.State.Weight, n.State.Bias) }

// Switches are the parameters' RequiresGrad and the choice of statistics.
func (n *Norm) Switches() []*bool {
	return append(switches(n.State.Weight, n.State.Bias), &n.State.UseRunning)
}

// Forward normalizes in[0] and adds in[1] if it is there.
func (n *Norm) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	var residual *autograd.Variable
	if len(in) > 1 {
		residual = in[1]
	}
	return autograd.BatchNorm(tp, in[0], n.State, residual, n.ReLU)
}

// affine is what the operation does in inference.
func (n *Norm) affine() (scale, shift []float32) {
	s := n.State
	scale, shift = make([]float32, len(s.RunningMean)), make([]float32, len(s.RunningMean))
	for i := range scale {
		f := float64(s.Weight.Value.Data[i]) / math.Sqrt(float64(s.RunningVar[i])+s.Eps)
		scale[i] = float32(f)
		shift[i] = float32(float64(s.Bias.Value.Data[i]) - float64(s.RunningMean[i])*f)
	}
	return scale, shift
}

// Compile computes scale and shift of the running statistics.
func (n *Norm) Compile(*graph.Compiler) graph.Kernel {
	scale, shift := n.affine()
	relu := n.ReLU
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		c := len(scale)
		elementwise.ScaleShift{Rows: out.Len() / c, C: c, Scale: scale, Shift: shift}.Apply(in[0].Data, out.Data, elementwise.Epilogue{Residual: values(in, 1), Activation: activation(relu)})
	})
}

// ONNX is BatchNormalization, Add if there is a second input, and Relu if the
// operation has one.
func (n *Norm) ONNX(e *graph.Exporter, name string, in []weights.Value) (weights.Value, error) {
	s := n.State
	var p [4]weights.Value
	for k, v := range [][]float32{s.Weight.Value.Data, s.Bias.Value.Data, s.RunningMean, s.RunningVar} {
		var err error
		if p[k], err = e.Parameter(v); err != nil {
			return "", err
		}
	}
	norm := name
	if n.ReLU || len(in) > 1 {
		norm += "_norm"
	}
	y := e.BatchNorm(norm, in[0], p[0], p[1], p[2], p[3], float32(s.Eps))
	return epilogue(e, name, y, in[1:], n.ReLU), nil
}

// MACs is 0.
func (n *Norm) MACs([][]int) float64 { return 0 }

// WithReLU returns the normalization followed by ReLU.
func (n *Norm) WithReLU() graph.Op { return &Norm{n.State, true} }

// TakesResidual reports true.
func (n *Norm) TakesResidual(graph.Mode) bool { return !n.ReLU }

// Rewrites folds the operation into the convolution before it.
func (n *Norm) Rewrites() []graph.Rewrite { return normRewrites }

var normRewrites = []graph.Rewrite{{Name: "norm(conv)", Uses: graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	n, in := p.Op(v).(*Norm), p.Inputs(v)
	c, ok := p.Op(in[0]).(*Conv)
	if !ok || len(in) > 1 || c.ReLU || len(p.Inputs(in[0])) > 1 || p.Readers(in[0]) > 1 || n.ReLU {
		return false
	}
	scale, shift := n.affine()
	if len(scale) != c.Weight.Value.Dim(-1) {
		return false // Shape will refuse it
	}
	p.Replace(v, c.withNorm(scale, shift), p.Inputs(in[0])...)
	return true
}}}
