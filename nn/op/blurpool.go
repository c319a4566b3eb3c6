package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/depthwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// BlurPool makes maps x [N,H,W,C] smaller by Stride without aliasing: a 3×3 binomial
// filter, the outer product of [1 2 1]/4 with itself, over x and its reflection at the
// edges (Zhang 2019, https://arxiv.org/abs/1904.11486): [N,⌈H/Stride⌉,⌈W/Stride⌉,C].
type BlurPool struct{ Stride int }

// Name is "blur pool".
func (BlurPool) Name() string { return "blur pool" }

// Shape is [N,OH,OW,C]. A map of one row or column has no reflection: an error.
func (p BlurPool) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a blur pool", in[0]); err != nil {
		return nil, err
	}
	g := p.geometry(in[0])
	if err := g.Check(); err != nil {
		return nil, tooSmall(g.H, g.W, 2, "blur pool")
	}
	oh, ow := g.Out()
	return append(dst, g.N, oh, ow, g.C), nil
}

// geometry is the filter of maps of shape s.
func (p BlurPool) geometry(s []int) depthwise.Blur {
	return depthwise.Blur{N: s[0], H: s[1], W: s[2], C: s[3], Stride: p.Stride}
}

// Forward pools in[0].
func (p BlurPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	g := p.geometry(x.Shape())
	oh, ow := g.Out()
	y := tp.New(g.N, oh, ow, g.C)
	tp.Timed("pool", func() { g.Forward(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "pool", y, x.NeedsGrad(), nil, blurPoolSaved{x, g}, blurPoolBackward)
	return y
}

// blurPoolSaved is what the backward pass of a BlurPool needs.
type blurPoolSaved struct {
	x *autograd.Variable
	g depthwise.Blur
}

func blurPoolBackward(tp *autograd.Tape, y *autograd.Variable, v *blurPoolSaved) {
	dy := y.Grad.Data
	tp.AddGrad(v.x, func(dx []float32) { v.g.Backward(dy, dx) })
}

// Compile prepares nothing.
func (p BlurPool) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		p.geometry(in[0].Shape).Forward(in[0].Data, out.Data)
	})
}

// ONNX is Pad and Conv with as many groups as channels.
func (p BlurPool) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	c := e.Inputs[0][3]
	pads := e.Initializer(&weights.Array{Name: name + "_pads", Shape: []int{8}, DType: weights.I64, I64: []int64{0, 0, 1, 1, 0, 0, 1, 1}})
	x := e.AddNode("Pad", name+"_reflected", []onnx.Value{in[0], pads}, onnx.AttrString("mode", "reflect"))
	filter := make([]float32, 0, 9*c)
	for range c {
		filter = append(filter, 1./16, 2./16, 1./16, 2./16, 4./16, 2./16, 1./16, 2./16, 1./16)
	}
	w := e.Initializer(&weights.Array{Name: name + "_filter", Shape: []int{c, 1, 3, 3}, F32: filter})
	return e.AddNode("Conv", name, []onnx.Value{x, w}, onnx.AttrInts("kernel_shape", 3, 3),
		onnx.AttrInts("strides", p.Stride, p.Stride), onnx.AttrInt("group", c)), nil
}

// MACs is 0.
func (p BlurPool) MACs([][]int) float64 { return 0 }
