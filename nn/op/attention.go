package op

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/attention"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Attention is scaled dot-product attention of Heads heads among the tokens of each
// picture (https://arxiv.org/abs/1706.03762): softmax(Q·Kᵀ/√D)·V, of queries, keys
// and values that stand one after the other in the channels of x [N,T,3C], the D = C
// / Heads channels of a head together: [N,T,C].
type Attention struct{ Heads int }

// Name is "attention".
func (o Attention) Name() string { return "attention" }

// Shape is [N,T,C].
func (o Attention) Shape(dst []int, in [][]int) ([]int, error) {
	s := in[0]
	if len(s) != 3 {
		return nil, fmt.Errorf("input of shape %v reaches attention, want tokens [N,T,3C]", s)
	}
	if o.Heads < 1 || s[2]%(3*o.Heads) != 0 {
		return nil, fmt.Errorf("%d channels reach attention of %d heads, want a multiple of three times the heads", s[2], o.Heads)
	}
	return append(dst, s[0], s[1], s[2]/3), nil
}

// geometry is the attention of x of shape s.
func (o Attention) geometry(s []int) attention.Attention {
	return attention.Attention{N: s[0], T: s[1], Heads: o.Heads, D: s[2] / 3 / o.Heads}
}

// Forward attends to the tokens of in[0].
func (o Attention) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	g := o.geometry(x.Shape())
	y := tp.New(g.N, g.T, g.Heads*g.D)
	tp.Timed("attention", func() { g.Forward(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "attention", y, x.NeedsGrad(), []*autograd.Variable{x}, attentionSaved{x, g}, attentionBackward)
	return y
}

// attentionSaved is what the backward pass of an Attention needs.
type attentionSaved struct {
	x *autograd.Variable
	g attention.Attention
}

func attentionBackward(tp *autograd.Tape, y *autograd.Variable, v *attentionSaved) {
	x := tp.Saved(v.x)
	tp.AddGrad(v.x, func(dx []float32) { v.g.Backward(y.Grad.Data, x, dx) })
}

// Compile prepares nothing.
func (o Attention) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, y *tensor.Tensor) { o.geometry(in[0].Shape).Forward(in[0].Data, y.Data) })
}

// ONNX is MatMul, Softmax and MatMul over all heads at once.
func (o Attention) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	g := o.geometry(e.Inputs[0])
	parts := e.Transpose(name+"_parts", e.Reshape(name+"_heads", in[0], 0, 0, 3, g.Heads, g.D), 2, 0, 3, 1, 4)
	part := func(what string, i int64) onnx.Value {
		at := e.Initializer(&weights.Array{Name: name + "_" + what + "_at", Shape: []int{}, DType: weights.I64, I64: []int64{i}})
		return e.AddNode("Gather", name+"_"+what, []onnx.Value{parts, at}, onnx.AttrInt("axis", 0))
	}
	q, k, v := part("queries", 0), part("keys", 1), part("values", 2)
	scaled := e.Mul(name+"_scaled", q, scalar(e, name+"_scale", 1/math.Sqrt(float64(g.D))))
	p := e.Softmax(name+"_probabilities", e.MatMul(name+"_scores", scaled, e.Transpose(name+"_across", k, 0, 1, 3, 2)), -1)
	y := e.Transpose(name+"_tokens", e.MatMul(name+"_mixed", p, v), 0, 2, 1, 3)
	return e.Reshape(name, y, 0, 0, g.Heads*g.D), nil
}

// MACs is 2·T·T·C for each picture.
func (o Attention) MACs(in [][]int) float64 {
	g := o.geometry(in[0])
	return 2 * float64(g.N) * float64(g.T) * float64(g.T) * float64(g.Heads*g.D)
}
