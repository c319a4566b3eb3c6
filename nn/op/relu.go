package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// ReLU is max(x, 0), any shape; NaN stays NaN.
type ReLU struct{}

// Name is "relu".
func (ReLU) Name() string { return "relu" }

// Shape is that of x.
func (ReLU) Shape(dst []int, in [][]int) ([]int, error) { return append(dst, in[0]...), nil }

// Forward applies it.
func (ReLU) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return reluForward(tp, in[0])
}

// Compile prepares nothing.
func (ReLU) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { elementwise.ReLU(in[0].Data, out.Data) })
}

// ONNX is Relu.
func (ReLU) ONNX(e *graph.Exporter, name string, in []weights.Value) (weights.Value, error) {
	return e.Relu(name, in[0]), nil
}

// MACs is 0.
func (ReLU) MACs([][]int) float64 { return 0 }

// Rewrites lets the operation before apply the ReLU.
func (ReLU) Rewrites() []graph.Rewrite { return reluRewrites }

var reluRewrites = []graph.Rewrite{{Name: "relu(operation)", Uses: graph.OnTape | graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	in := p.Inputs(v)[0]
	o, ok := p.Op(in).(TakesReLU)
	if !ok || p.Readers(in) > 1 {
		return false
	}
	p.Replace(v, o.WithReLU(), p.Inputs(in)...)
	return true
}}}

// reluForward is max(x, 0), any shape; NaN stays NaN.
func reluForward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	y := tp.New(x.Value.Shape...)
	tp.Timed("relu", func() { elementwise.ReLU(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "relu", y, x.NeedsGrad(), []*autograd.Variable{y}, x, func(tp *autograd.Tape, y *autograd.Variable, x **autograd.Variable) {
		elementwise.ReLUBackward(y.Grad.Data, tp.Saved(y), y.Grad.Data)
		tp.GiveGrad(*x, y)
	})
	return y
}
