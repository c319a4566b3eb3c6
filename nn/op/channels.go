package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Channels is the channels [From,To) of maps x [N,H,W,C]: [N,H,W,To-From].
type Channels struct{ From, To int }

// Name is "channels".
func (Channels) Name() string { return "channels" }

// Shape is [N,H,W,To-From].
func (s Channels) Shape(dst []int, in [][]int) ([]int, error) {
	x := in[0]
	if err := wantMap("a choice of channels", x); err != nil {
		return nil, err
	}
	if s.From < 0 || s.From >= s.To || s.To > x[3] {
		return nil, fmt.Errorf("channels %d to %d are taken of %d", s.From, s.To, x[3])
	}
	return append(dst, x[0], x[1], x[2], s.To-s.From), nil
}

// Forward takes channels of in[0].
func (s Channels) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x, shape := in[0], in[0].Shape()
	y := tp.New(shape[0], shape[1], shape[2], s.To-s.From)
	tp.Timed("channels", func() { s.take(x.Value, y.Value) })
	autograd.Record(tp, "channels", y, x.NeedsGrad(), nil, channelsSaved{x, s}, channelsBackward)
	return y
}

func (s Channels) take(x, y *tensor.Tensor) {
	c, n := x.Dim(-1), s.To-s.From
	elementwise.CopyStrided(y.Data, n, x.Data[s.From:], c, n, x.Len()/c)
}

// channelsSaved is what the backward pass of Channels needs.
type channelsSaved struct {
	x *autograd.Variable
	s Channels
}

func channelsBackward(tp *autograd.Tape, y *autograd.Variable, v *channelsSaved) {
	s, c := v.s, v.x.Shape()[3]
	tp.AddGrad(v.x, func(dx []float32) {
		clear(dx)
		elementwise.CopyStrided(dx[s.From:], c, y.Grad.Data, s.To-s.From, s.To-s.From, y.Rows())
	})
}

// Compile prepares nothing.
func (s Channels) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { s.take(in[0], out) })
}

// ONNX is Slice.
func (s Channels) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	number := func(what string, v int) onnx.Value {
		return e.Initializer(&weights.Array{Name: name + "_" + what, Shape: []int{1}, DType: weights.I64, I64: []int64{int64(v)}})
	}
	return e.AddNode("Slice", name, []onnx.Value{in[0], number("from", s.From), number("to", s.To), number("axis", 1)}), nil
}

// MACs is 0.
func (Channels) MACs([][]int) float64 { return 0 }
