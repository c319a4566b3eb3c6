package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var globalPoolCases = []optest.Case{
	{
		Name: "average", Op: alone(op.GlobalPool{}), Inputs: [][]int{{2, 3, 4, 5}}, Shape: []int{2, 5}, Want: ofWholeMaps,
		Refuses: []optest.Refusal{{Inputs: [][]int{{2, 5}}, Word: "want [N,H,W,C]"}},
	},
	{Name: "average, kept as maps", Op: alone(op.GlobalPool{Keep: true}), Inputs: [][]int{{2, 3, 4, 5}}, Shape: []int{2, 1, 1, 5}, Want: ofWholeMaps, Operators: []string{"GlobalAveragePool"}},
	{Name: "maximum, kept as maps", Op: alone(op.GlobalPool{Max: true, Keep: true}), Inputs: [][]int{{2, 3, 4, 5}}, Shape: []int{2, 1, 1, 5}, Want: ofWholeMaps, Operators: []string{"GlobalMaxPool"}},
	{Name: "maximum", Op: alone(op.GlobalPool{Max: true}), Inputs: [][]int{{2, 3, 4, 5}}, Shape: []int{2, 5}, Want: ofWholeMaps},
}

func ofWholeMaps(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	return globallyPooled(widen(in[0]), o.(op.GlobalPool).Max).v
}

func TestGlobalPool(t *testing.T) { optest.Run(t, globalPoolCases...) }
