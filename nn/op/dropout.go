package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Dropout zeroes each value with probability P, 0 to 1, and scales the rest by
// 1/(1-P) in training. Otherwise a plan has none.
type Dropout struct{ P float64 }

// Name is "dropout".
func (d Dropout) Name() string { return "dropout" }

// Shape is that of x.
func (d Dropout) Shape(dst []int, in [][]int) ([]int, error) { return append(dst, in[0]...), nil }

// Forward drops values of in[0].
func (d Dropout) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return autograd.Dropout(tp, in[0], d.P)
}

// Compile prepares a copy: that is what is left in evaluation mode.
func (d Dropout) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { copy(out.Data, in[0].Data) })
}

// ONNX is nothing.
func (d Dropout) ONNX(_ *graph.Exporter, _ string, in []weights.Value) (weights.Value, error) {
	return in[0], nil
}

// MACs is 0.
func (d Dropout) MACs([][]int) float64 { return 0 }

// Rewrites takes the operation out where it does nothing.
func (d Dropout) Rewrites() []graph.Rewrite { return dropoutRewrites }

var dropoutRewrites = []graph.Rewrite{{Name: "dropout outside of training", Uses: graph.OnTape | graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	if p.Mode.Training && p.Op(v).(Dropout).P > 0 {
		return false
	}
	p.Bypass(v, p.Inputs(v)[0])
	return true
}}}
