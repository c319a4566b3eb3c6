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

var branchesCases = []optest.Case{
	{
		Name: "1×1 and 3×3",
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			a, p := newConv(r, 1, 4, 5, 1, 0, true, true)
			b, q := newConv(r, 3, 4, 7, 1, 1, true, true)
			return op.NewConvBranches(a, b), append(p, q...)
		},
		Inputs: [][]int{{2, 5, 6, 4}},
		Shape:  []int{2, 5, 6, 12},
		MACs:   2 * 5 * 6 * 4 * (5 + 9*7),
		Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			r, x := rng.New(42), widen(in[0]) // as Op has drawn them
			a, _ := newConv(r, 1, 4, 5, 1, 0, true, true)
			b, _ := newConv(r, 3, 4, 7, 1, 1, true, true)
			return joined(convolved(x, a), convolved(x, b)).v
		},
		Operators: []string{"Conv", "Relu", "Concat"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 5, 6, 3}}, Word: "3 channels reach a convolution for 4"},
			{Inputs: [][]int{{2, 4}}, Word: "want [N,H,W,C]"},
		},
	},
	{
		Name: "three, one without bias",
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			a, p := newConv(r, 1, 4, 5, 1, 0, true, true)
			b, q := newConv(r, 3, 4, 7, 1, 1, true, true)
			c, s := newConv(r, 1, 4, 2, 1, 0, false, true)
			return op.NewConvBranches(a, b, c), append(append(p, q...), s...)
		},
		Inputs: [][]int{{2, 5, 6, 4}},
		Shape:  []int{2, 5, 6, 14},
		MACs:   2 * 5 * 6 * 4 * (5 + 9*7 + 2),
	},
	{
		Name: "1×1 and 3×3 at a stride",
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			a, p := newConv(r, 1, 3, 2, 1, 0, true, true)
			b, q := newConv(r, 3, 3, 2, 2, 1, true, true)
			return op.NewConvBranches(a, b), append(p, q...)
		},
		Inputs:  [][]int{{2, 1, 1, 3}}, // where the sizes of the results agree
		Shape:   []int{2, 1, 1, 4},
		MACs:    2 * 3 * 2 * (1 + 9),
		Refuses: []optest.Refusal{{Inputs: [][]int{{1, 6, 6, 3}}, Word: "convolutions to join give maps of 6×6 and 3×3"}},
	},
}

func TestConvBranches(t *testing.T) { optest.Run(t, branchesCases...) }
