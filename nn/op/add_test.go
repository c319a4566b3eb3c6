package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var addCases = []optest.Case{
	{
		Name: "three dimensions", Op: alone(op.Add{}), Inputs: [][]int{{2, 3, 7}, {2, 3, 7}}, Shape: []int{2, 3, 7},
		Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			y := widen(in[0])
			for i, v := range widen(in[1]).v {
				y.v[i] += v
			}
			return y.v
		},
		Refuses: []optest.Refusal{{Inputs: [][]int{{2, 3}, {3, 2}}, Word: "cannot be added"}},
	},
}

func TestAdd(t *testing.T) { optest.Run(t, addCases...) }
