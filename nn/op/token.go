package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// FirstToken is the first token of x [N,T,C]: [N,C]. In a vision transformer it is
// the class token, in which the blocks gather what matters for the classes.
type FirstToken struct{}

// Name is "token".
func (FirstToken) Name() string { return "token" }

// Shape is [N,C].
func (FirstToken) Shape(dst []int, in [][]int) ([]int, error) {
	if s := in[0]; len(s) == 3 {
		return append(dst, s[0], s[2]), nil
	}
	return nil, fmt.Errorf("input of shape %v reaches the choice of a token, want [N,T,C]", in[0])
}

// Forward takes the first token of in[0].
func (FirstToken) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	s := x.Shape()
	y := tp.New(s[0], s[2])
	tp.Timed("token", func() { firstTokens(x.Value.Data, y.Value.Data, s[1], s[2]) })
	autograd.Record(tp, "token", y, x.NeedsGrad(), nil, x, func(tp *autograd.Tape, y *autograd.Variable, x **autograd.Variable) {
		s := (*x).Shape()
		tp.AddGrad(*x, func(dx []float32) {
			clear(dx)
			for n := range s[0] {
				copy(dx[n*s[1]*s[2]:][:s[2]], y.Grad.Data[n*s[2]:])
			}
		})
	})
	return y
}

// firstTokens copies the first of each t tokens of c channels.
func firstTokens(x, y []float32, t, c int) {
	for n := 0; n*c < len(y); n++ {
		copy(y[n*c:][:c], x[n*t*c:])
	}
}

// Compile prepares nothing.
func (FirstToken) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, y *tensor.Tensor) {
		firstTokens(in[0].Data, y.Data, in[0].Shape[1], in[0].Shape[2])
	})
}

// ONNX is Slice and Flatten.
func (FirstToken) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return e.Flatten(name, e.Slice(name+"_first", in[0], 1, 0, 1)), nil
}

// MACs is 0.
func (FirstToken) MACs([][]int) float64 { return 0 }
