package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// convCase is a convolution with weights [k,k,in,out] of maps 7×6.
func convCase(name string, k, in, out, stride, pad int, bias, relu bool, rows, cols int, refuses ...optest.Refusal) optest.Case {
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			return newConv(r, k, in, out, stride, pad, bias, relu)
		},
		Inputs: [][]int{{2, 7, 6, in}},
		Shape:  []int{2, rows, cols, out},
		MACs:   float64(2 * rows * cols * k * k * in * out),
		Want: func(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			return convolved(widen(in[0]), o.(*op.Conv)).v
		},
		Operators: operators("Conv", false, relu),
		Refuses:   refuses,
	}
}

// operators are the ONNX operators of kind, Add and Relu.
func operators(kind string, residual, relu bool) []string {
	all := []string{kind}
	if residual {
		all = append(all, "Add")
	}
	if relu {
		all = append(all, "Relu")
	}
	return all
}

// samePadded is c with TensorFlow's padding.
func samePadded(c optest.Case) optest.Case {
	make := c.Op
	c.Name += " with same padding"
	c.Op = func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
		o, p := make(r)
		o.(*op.Conv).Same = true
		return o, p
	}
	return c
}

var convCases = []optest.Case{
	samePadded(convCase("3×3 at a stride", 3, 3, 8, 2, 0, false, false, 4, 3)),
	samePadded(convCase("4×4 at a stride, bias, relu", 4, 16, 5, 2, 0, true, true, 4, 3)),
	convCase("3×3", 3, 5, 4, 1, 1, false, false, 7, 6,
		optest.Refusal{Inputs: [][]int{{2, 7, 6, 4}}, Word: "4 channels reach a convolution for 5"},
		optest.Refusal{Inputs: [][]int{{2, 5}}, Word: "want [N,H,W,C]"}),
	convCase("3×3 of 16 channels to 33, bias, relu", 3, 16, 33, 1, 1, true, true, 7, 6),
	convCase("3×3 at a stride", 3, 3, 8, 2, 1, false, false, 4, 3),
	convCase("3×3 at a stride without padding, bias, relu", 3, 3, 5, 2, 0, true, true, 3, 2,
		optest.Refusal{Inputs: [][]int{{1, 2, 9, 3}}, Word: "too small"}),
	convCase("1×1, bias", 1, 6, 5, 1, 0, true, false, 7, 6),
	convCase("1×1, bias, relu", 1, 6, 7, 1, 0, true, true, 7, 6),
	convCase("1×1 at a stride", 1, 4, 6, 2, 0, false, false, 4, 3),
	convCase("7×7 at a stride, relu", 7, 3, 4, 2, 3, false, true, 4, 3),
	ended(convCase("3×3 of 16 channels to 33, bias", 3, 16, 33, 1, 1, true, false, 7, 6), op.GELU, "Erf"),
	ended(convCase("7×7 at a stride", 7, 3, 4, 2, 3, false, false, 4, 3), op.Hardswish, "HardSigmoid"),
}

func TestConv(t *testing.T) { optest.Run(t, convCases...) }
