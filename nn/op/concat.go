package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Concat joins values along the channels: [...,C1], [...,C2], … give [...,C1+C2+…].
type Concat struct{}

// Name is "concat".
func (Concat) Name() string { return "concat" }

// Shape is that of the first with the sum of all channels.
func (Concat) Shape(dst []int, in [][]int) ([]int, error) {
	at := len(dst)
	dst = append(dst, in[0]...)
	rest := len(in[0]) - 1
	for _, s := range in[1:] {
		if len(s) != len(in[0]) || !tensor.SameShape(s[:rest], in[0][:rest]) {
			return nil, fmt.Errorf("the channels of values of shapes %v and %v cannot be joined", in[0], s)
		}
		dst[at+rest] += s[rest]
	}
	return dst, nil
}

// Forward joins in.
func (Concat) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return concatForward(tp, in...)
}

// Compile prepares nothing.
func (Concat) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		width := out.Dim(-1)
		rows, offset := out.Len()/width, 0
		for _, x := range in {
			c := x.Dim(-1)
			elementwise.CopyStrided(out.Data[offset:], width, x.Data, c, c, rows)
			offset += c
		}
	})
}

// ONNX is Concat.
func (Concat) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return e.Concat(name, 1, in...), nil // channels come second there
}

// MACs is 0.
func (Concat) MACs([][]int) float64 { return 0 }

// Rewrites let operands be computed in their places.
func (Concat) Rewrites() []graph.Rewrite { return concatRewrites }

var concatRewrites = []graph.Rewrite{
	{Name: "concat(conv, conv, …)", Uses: graph.OnTape | graph.Inference, Apply: fuseBranches},
	{Name: "concat(global max, global average)", Uses: graph.OnTape, Apply: fuseConcatPool},
}

// concatForward joins xs along the channels: [...,C1], [...,C2], … give [...,C1+C2+…].
func concatForward(tp *autograd.Tape, xs ...*autograd.Variable) *autograd.Variable {
	first, rest, c, needs := xs[0].Value.Shape, len(xs[0].Value.Shape)-1, 0, false
	for _, x := range xs {
		s := x.Value.Shape
		if len(s) != rest+1 || !tensor.SameShape(s[:rest], first[:rest]) {
			panic(fmt.Sprintf("op: cannot join channels of %v and %v", first, s))
		}
		c, needs = c+s[rest], needs || x.NeedsGrad()
	}
	var dims [4]int // so that maps need no memory
	y := tp.New(append(append(dims[:0], first[:rest]...), c)...)
	tp.Timed("concat", func() {
		off := 0
		for _, x := range xs {
			w := x.Value.Dim(-1)
			elementwise.CopyStrided(y.Value.Data[off:], c, x.Value.Data, w, w, x.Rows())
			off += w
		}
	})
	if len(xs) == 2 { // as in the blocks of a DenseNet, of which there are many
		autograd.Record(tp, "concat", y, needs, nil, [2]*autograd.Variable{xs[0], xs[1]}, func(tp *autograd.Tape, y *autograd.Variable, xs *[2]*autograd.Variable) {
			concatBackward(tp, y, xs[:])
		})
		return y
	}
	autograd.Record(tp, "concat", y, needs, nil, append([]*autograd.Variable(nil), xs...), func(tp *autograd.Tape, y *autograd.Variable, xs *[]*autograd.Variable) {
		concatBackward(tp, y, *xs)
	})
	return y
}

func concatBackward(tp *autograd.Tape, y *autograd.Variable, xs []*autograd.Variable) {
	c, off := y.Shape()[len(y.Shape())-1], 0
	for _, v := range xs {
		w := v.Shape()[len(v.Shape())-1]
		if v.NeedsGrad() {
			tp.AddGrad(v, func(d []float32) { elementwise.CopyStrided(d, w, y.Grad.Data[off:], c, w, y.Rows()) })
		}
		off += w
	}
}
