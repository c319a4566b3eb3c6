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

// alone makes an operation that has no parameters.
func alone(o graph.Op) func(*rng.Stream) (graph.Op, []*autograd.Parameter) {
	return func(*rng.Stream) (graph.Op, []*autograd.Parameter) { return o, nil }
}

var reluCases = []optest.Case{
	{
		Name: "three dimensions", Op: alone(op.ReLU{}), Inputs: [][]int{{3, 4, 5}}, Shape: []int{3, 4, 5},
		Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			y := widen(in[0])
			rectify(y)
			return y.v
		},
	},
}

func TestReLU(t *testing.T) { optest.Run(t, reluCases...) }
