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

// Interleave takes the channels of two maps [N,H,W,C] in turn, [N,H,W,2C]: ShuffleNet's
// channel shuffle of two groups (https://arxiv.org/abs/1707.01083), together with the
// concatenation before it.
type Interleave struct{}

// Name is "interleave".
func (Interleave) Name() string { return "interleave" }

// Shape is [N,H,W,2C].
func (Interleave) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("an interleaving of channels", in[0]); err != nil {
		return nil, err
	}
	if !tensor.SameShape(in[0], in[1]) {
		return nil, fmt.Errorf("the channels of values of shapes %v and %v cannot be interleaved", in[0], in[1])
	}
	return append(dst, in[0][0], in[0][1], in[0][2], 2*in[0][3]), nil
}

// Forward interleaves in.
func (Interleave) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	a, b := in[0], in[1]
	s := a.Shape()
	c := s[3]
	y := tp.New(s[0], s[1], s[2], 2*c)
	tp.Timed("interleave", func() { elementwise.Interleave(a.Rows(), c, a.Value.Data, b.Value.Data, y.Value.Data) })
	autograd.Record(tp, "interleave", y, a.NeedsGrad() || b.NeedsGrad(), nil, [2]*autograd.Variable{a, b}, interleaveBackward)
	return y
}

func interleaveBackward(tp *autograd.Tape, y *autograd.Variable, v *[2]*autograd.Variable) {
	for i, x := range v {
		if x.NeedsGrad() {
			tp.AddGrad(x, func(d []float32) { elementwise.Deinterleave(x.Rows(), x.Shape()[3], i, y.Grad.Data, d) })
		}
	}
}

// Compile prepares nothing.
func (Interleave) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		c := in[0].Dim(-1)
		elementwise.Interleave(in[0].Len()/c, c, in[0].Data, in[1].Data, out.Data)
	})
}

// ONNX joins the channels, makes a dimension of the two values, and exchanges it with
// that of the channels.
func (Interleave) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	// [N,C,1,H,W] twice, joined along the third dimension and flattened with the second.
	axis := e.Initializer(&weights.Array{Name: name + "_axis", Shape: []int{1}, DType: weights.I64, I64: []int64{2}})
	a, b := e.AddNode("Unsqueeze", name+"_first", []onnx.Value{in[0], axis}), e.AddNode("Unsqueeze", name+"_second", []onnx.Value{in[1], axis})
	pairs := e.Concat(name+"_pairs", 2, a, b)
	// 0 keeps a dimension, -1 takes what is left; the maps' size is that of in[0].
	shape := e.AddNode("Shape", name+"_shape", []onnx.Value{in[0]})
	twice := e.Initializer(&weights.Array{Name: name + "_twice", Shape: []int{4}, DType: weights.I64, I64: []int64{1, 2, 1, 1}})
	return e.AddNode("Reshape", name, []onnx.Value{pairs, e.Mul(name+"_result", shape, twice)}), nil
}

// MACs is 0.
func (Interleave) MACs([][]int) float64 { return 0 }
