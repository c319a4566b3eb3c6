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

var convStemCases = []optest.Case{
	convStemCase("3×3 at a stride", 3, 8, 3, true, 12, 2),
	convStemCase("64 channels", 3, 64, 3, true, 12, 2),
	convStemCase("no bias", 4, 16, 3, false, 12, 2),
	convStemCase("windows of 2", 3, 5, 2, true, 12, 3),
	convStemCase("windows of 16, which are not fused", 2, 3, 16, true, 36, 2),
}

// convStemCase is a 3×3 convolution at stride 2 of square pictures, then a max
// pool at stride 2.
func convStemCase(name string, in, out, window int, bias bool, side, pooled int) optest.Case {
	mid := (side-3)/2 + 1
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			c, p := newConv(r, 3, in, out, 2, 0, bias, true)
			return &op.ConvMaxPool{Conv: c, Pool: op.MaxPool{Kernel: window, Stride: 2, Ceil: true}}, p
		},
		Inputs: [][]int{{2, side, side, in}},
		Shape:  []int{2, pooled, pooled, out},
		MACs:   float64(2 * mid * mid * 9 * in * out),
		Want: func(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			s := o.(*op.ConvMaxPool)
			return maxPooled(convolved(widen(in[0]), s.Conv), s.Pool).v
		},
		Operators: []string{"Conv", "Relu", "MaxPool"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{1, 2, 9, in}}, Word: "too small"},
			{Inputs: [][]int{{1, 9, 9, in + 1}}, Word: "channels reach a convolution for"},
		},
	}
}

func TestConvMaxPool(t *testing.T) { optest.Run(t, convStemCases...) }
