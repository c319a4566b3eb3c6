package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var concatPoolCases = []optest.Case{
	{
		Name: "maps", Op: alone(op.ConcatPool{}), Inputs: [][]int{{2, 3, 4, 5}}, Shape: []int{2, 10},
		Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			x := widen(in[0])
			return joined(globallyPooled(x, true), globallyPooled(x, false)).v
		},
		Operators: []string{"GlobalMaxPool", "GlobalAveragePool", "Flatten", "Concat"},
		Refuses:   []optest.Refusal{{Inputs: [][]int{{2, 5}}, Word: "want [N,H,W,C]"}},
	},
}

func TestConcatPool(t *testing.T) { optest.Run(t, concatPoolCases...) }
