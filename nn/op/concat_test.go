package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var concatCases = []optest.Case{
	{
		Name: "two", Op: alone(op.Concat{}), Inputs: [][]int{{2, 3, 3, 4}, {2, 3, 3, 5}}, Shape: []int{2, 3, 3, 9}, Want: sideBySide,
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 3, 3, 4}, {2, 3, 2, 4}}, Word: "cannot be joined"},
			{Inputs: [][]int{{2, 3, 3, 4}, {2, 4}}, Word: "cannot be joined"},
		},
	},
	{Name: "three", Op: alone(op.Concat{}), Inputs: [][]int{{2, 3, 3, 4}, {2, 3, 3, 5}, {2, 3, 3, 1}}, Shape: []int{2, 3, 3, 10}, Want: sideBySide},
	{Name: "vectors", Op: alone(op.Concat{}), Inputs: [][]int{{3, 4}, {3, 2}}, Shape: []int{3, 6}, Want: sideBySide},
}

func sideBySide(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	var all []array
	for _, x := range in {
		all = append(all, widen(x))
	}
	return joined(all...).v
}

func TestConcat(t *testing.T) { optest.Run(t, concatCases...) }
