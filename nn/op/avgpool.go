package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/depthwise"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// AvgPool averages over Kernel×Kernel windows of x [N,H,W,C]; padding does not count.
// Ceil rounds the size of the result up instead of down: a window at the end is then
// averaged over what of it is inside.
type AvgPool struct {
	Kernel, Stride, Pad int
	Ceil                bool
}

// Name is "average pool".
func (m AvgPool) Name() string { return "average pool" }

// Shape is [N,OH,OW,C].
func (m AvgPool) Shape(dst []int, in [][]int) ([]int, error) {
	s := in[0]
	if err := wantMap("an average pool", s); err != nil {
		return nil, err
	}
	oh, ow := pool.Out(s[1], m.Kernel, m.Stride, m.Pad, m.Ceil), pool.Out(s[2], m.Kernel, m.Stride, m.Pad, m.Ceil)
	if oh < 1 || ow < 1 {
		return nil, tooSmall(s[1], s[2], m.Kernel, "average pool")
	}
	return append(dst, s[0], oh, ow, s[3]), nil
}

// geometry is the pooling of maps of shape s.
func (m AvgPool) geometry(s []int) depthwise.Mean {
	end := func(size int) int { // of the padding, which the last window needs
		out := pool.Out(size, m.Kernel, m.Stride, m.Pad, m.Ceil)
		return max(0, (out-1)*m.Stride+m.Kernel-size-m.Pad)
	}
	return depthwise.Mean{
		N: s[0], H: s[1], W: s[2], C: s[3], KH: m.Kernel, KW: m.Kernel, Stride: m.Stride,
		Pad: depthwise.Padding{Top: m.Pad, Bottom: end(s[1]), Left: m.Pad, Right: end(s[2])},
	}
}

// Forward pools in[0].
func (m AvgPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	g := m.geometry(x.Shape())
	oh, ow := depthwise.Conv(g).Out()
	y := tp.New(g.N, oh, ow, g.C)
	tp.Timed("pool", func() { g.Forward(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "pool", y, x.NeedsGrad(), nil, avgPoolSaved{x, g}, avgPoolBackward)
	return y
}

// avgPoolSaved is what the backward pass of an AvgPool needs.
type avgPoolSaved struct {
	x *autograd.Variable
	g depthwise.Mean
}

func avgPoolBackward(tp *autograd.Tape, y *autograd.Variable, v *avgPoolSaved) {
	dy := y.Grad.Data
	tp.AddGrad(v.x, func(dx []float32) { v.g.Backward(dy, dx) })
}

// Compile prepares nothing.
func (m AvgPool) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		m.geometry(in[0].Shape).Forward(in[0].Data, out.Data)
	})
}

// ONNX is AveragePool.
func (m AvgPool) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	ceil := 0
	if m.Ceil {
		ceil = 1
	}
	return e.AddNode("AveragePool", name, []onnx.Value{in[0]},
		onnx.AttrInts("kernel_shape", m.Kernel, m.Kernel), onnx.AttrInts("strides", m.Stride, m.Stride),
		onnx.AttrInts("pads", m.Pad, m.Pad, m.Pad, m.Pad), onnx.AttrInt("ceil_mode", ceil), onnx.AttrInt("count_include_pad", 0)), nil
}

// MACs is 0.
func (m AvgPool) MACs([][]int) float64 { return 0 }
