package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// ScaleChannels multiplies the maps x [N,H,W,C] by a factor for each picture and
// channel, the second input [N,1,1,C]: the end of squeeze-and-excitation
// (https://arxiv.org/abs/1709.01507).
type ScaleChannels struct{}

// Name is "scale".
func (ScaleChannels) Name() string { return "scale" }

// Shape is that of x.
func (ScaleChannels) Shape(dst []int, in [][]int) ([]int, error) {
	x, s := in[0], in[1]
	if err := wantMap("a scaling of channels", x); err != nil {
		return nil, err
	}
	if len(s) != 4 || s[0] != x[0] || s[1] != 1 || s[2] != 1 || s[3] != x[3] {
		return nil, fmt.Errorf("maps of shape %v are scaled by factors of shape %v, want [%d 1 1 %d]", x, s, x[0], x[3])
	}
	return append(dst, x...), nil
}

// Forward multiplies in[0] by in[1].
func (ScaleChannels) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x, s := in[0], in[1]
	y := tp.New(x.Value.Shape...)
	g := scaled(x.Value)
	tp.Timed("scale", func() { g.Forward(x.Value.Data, s.Value.Data, y.Value.Data) })
	var saved [2]*autograd.Variable
	if s.NeedsGrad() {
		saved[0] = x
	}
	if x.NeedsGrad() {
		saved[1] = s
	}
	autograd.Record(tp, "scale", y, x.NeedsGrad() || s.NeedsGrad(), saved[:], scaleSaved{x, s, g}, scaleBackward)
	return y
}

// scaleSaved is what the backward pass of ScaleChannels needs.
type scaleSaved struct {
	x, s *autograd.Variable
	g    norm.ScaleMaps
}

func scaleBackward(tp *autograd.Tape, y *autograd.Variable, v *scaleSaved) {
	g, dy := v.g, y.Grad.Data
	tp.TimedBackward("scale", func() {
		if v.s.NeedsGrad() {
			x := tp.Saved(v.x)
			tp.AddGrad(v.s, func(ds []float32) { g.BackwardFactors(x, dy, ds) })
		}
		if v.x.NeedsGrad() {
			s := tp.Saved(v.s)
			tp.AddGrad(v.x, func(dx []float32) { g.Forward(dy, s, dx) })
		}
	})
}

// scaled is the geometry of the scaling of maps.
func scaled(x *tensor.Tensor) norm.ScaleMaps {
	return norm.ScaleMaps{N: x.Shape[0], HW: x.Shape[1] * x.Shape[2], C: x.Shape[3]}
}

// Compile prepares nothing.
func (ScaleChannels) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { scaled(out).Forward(in[0].Data, in[1].Data, out.Data) })
}

// ONNX is Mul, which broadcasts the factors.
func (ScaleChannels) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return e.Mul(name, in[0], in[1]), nil
}

// MACs is 0.
func (ScaleChannels) MACs([][]int) float64 { return 0 }
