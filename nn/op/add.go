package op

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Add is a + b for two values of one shape.
type Add struct{}

// Name is "add".
func (Add) Name() string { return "add" }

// Shape is that of both.
func (Add) Shape(dst []int, in [][]int) ([]int, error) {
	if !tensor.SameShape(in[0], in[1]) {
		return nil, fmt.Errorf("values of shapes %v and %v cannot be added", in[0], in[1])
	}
	return append(dst, in[0]...), nil
}

// Forward adds in[0] and in[1].
func (Add) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return addForward(tp, in[0], in[1])
}

// Compile prepares nothing.
func (Add) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { elementwise.Add(in[0].Data, in[1].Data, out.Data) })
}

// ONNX is Add.
func (Add) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return e.Add(name, in[0], in[1]), nil
}

// MACs is 0.
func (Add) MACs([][]int) float64 { return 0 }

// Rewrites lets the operation that makes the later operand add the earlier one.
func (Add) Rewrites() []graph.Rewrite { return addRewrites }

var addRewrites = []graph.Rewrite{{Name: "add(operation, value)", Uses: graph.OnTape | graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	in := p.Inputs(v)
	first, last := min(in[0], in[1]), max(in[0], in[1])
	o, ok := p.Op(last).(TakesResidual)
	if !ok || first == last || hasResidual(p, last) || p.Readers(last) > 1 || !o.TakesResidual(p.Mode) {
		return false
	}
	p.Replace(v, p.Op(last), append(slices.Clone(p.Inputs(last)), first)...)
	return true
}}}

// addForward is a + b, of one shape.
func addForward(tp *autograd.Tape, a, b *autograd.Variable) *autograd.Variable {
	if !tensor.SameShape(a.Value.Shape, b.Value.Shape) {
		panic(fmt.Sprintf("op: cannot add values of shapes %v and %v", a.Value.Shape, b.Value.Shape))
	}
	y := tp.New(a.Value.Shape...)
	tp.Timed("add", func() { elementwise.Add(a.Value.Data, b.Value.Data, y.Value.Data) })
	type inputs struct{ a, b *autograd.Variable }
	autograd.Record(tp, "add", y, a.NeedsGrad() || b.NeedsGrad(), nil, inputs{a, b}, func(tp *autograd.Tape, y *autograd.Variable, in *inputs) {
		if in.a.NeedsGrad() && in.b.NeedsGrad() {
			dy := y.Grad.Data
			tp.AddGrad(in.a, func(d []float32) { copy(d, dy) })
			tp.GiveGrad(in.b, y)
		} else if in.a.NeedsGrad() {
			tp.GiveGrad(in.a, y)
		} else {
			tp.GiveGrad(in.b, y)
		}
	})
	return y
}
