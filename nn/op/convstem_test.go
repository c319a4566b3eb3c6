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
	{
		Name: "3×3 at a stride",
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			c, p := newConv(r, 3, 3, 8, 2, 0, true, true)
			return &op.ConvMaxPool{Conv: c, Pool: op.MaxPool{Kernel: 3, Stride: 2, Ceil: true}}, p
		},
		Inputs: [][]int{{2, 12, 12, 3}},
		Shape:  []int{2, 2, 2, 8},
		MACs:   2 * 5 * 5 * 9 * 3 * 8,
		Want: func(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			s := o.(*op.ConvMaxPool)
			return maxPooled(convolved(widen(in[0]), s.Conv), s.Pool).v
		},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{1, 2, 9, 3}}, Word: "too small"},
			{Inputs: [][]int{{1, 9, 9, 4}}, Word: "4 channels reach a convolution for 3"},
		},
	},
}

func TestConvMaxPool(t *testing.T) { optest.Run(t, convStemCases...) }
