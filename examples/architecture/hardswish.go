package main

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Hardswish is x·min(max(x+3, 0), 6)/6, any shape (Howard et al. 2019, "Searching
// for MobileNetV3"): an operation that Whippet does not have. This file is all
// there is to one: training, inference, export and counting ask only these methods.
type Hardswish struct{}

// Name is what profiles show.
func (Hardswish) Name() string { return "hardswish" }

// Shape is that of x.
func (Hardswish) Shape(dst []int, in [][]int) ([]int, error) { return append(dst, in[0]...), nil }

// Forward fills a buffer of the tape, and says how to come back. The backward pass
// reads x, which therefore stays in memory until then, or is computed again.
func (Hardswish) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	y := tp.New(x.Shape()...)
	tp.Timed("hardswish", func() { hardswish(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "hardswish", y, x.NeedsGrad(), []*autograd.Variable{x}, x, hardswishBackward)
	return y
}

// hardswishBackward makes dy of the result into dx, in place, and hands it on.
func hardswishBackward(tp *autograd.Tape, y *autograd.Variable, x **autograd.Variable) {
	d := y.Grad.Data
	for i, v := range tp.Saved(*x) {
		switch {
		case v <= -3:
			d[i] = 0
		case v < 3:
			d[i] *= (2*v + 3) / 6
		}
	}
	tp.GiveGrad(*x, y)
}

func hardswish(x, y []float32) {
	for i, v := range x {
		y[i] = v * min(max(v+3, 0), 6) / 6
	}
}

// Compile returns what inference runs. There is nothing to prepare.
func (Hardswish) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { hardswish(in[0].Data, out.Data) })
}

// ONNX is x times HardSigmoid, which is min(max(x/6+1/2, 0), 1).
func (Hardswish) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	gate := e.AddNode("HardSigmoid", name+"_gate", in, onnx.AttrFloat("alpha", 1./6), onnx.AttrFloat("beta", 0.5))
	return e.Mul(name, in[0], gate), nil
}

// MACs counts matrix products and convolutions, of which there are none.
func (Hardswish) MACs([][]int) float64 { return 0 }
