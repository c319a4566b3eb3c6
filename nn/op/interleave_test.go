package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var interleaveCases = []optest.Case{{
	Name: "maps", Op: alone(op.Interleave{}), Inputs: [][]int{{2, 3, 4, 5}, {2, 3, 4, 5}}, Shape: []int{2, 3, 4, 10},
	Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
		y := make([]float64, 2*in[0].Len())
		for i := range y {
			y[i] = float64(in[i%2].Data[i/2])
		}
		return y
	},
	Operators: []string{"Reshape"},
	Refuses: []optest.Refusal{
		{Inputs: [][]int{{2, 3, 4, 5}, {2, 3, 4, 6}}, Word: "cannot be interleaved"},
		{Inputs: [][]int{{2, 5}, {2, 5}}, Word: "want [N,H,W,C]"},
	},
}}

func TestInterleave(t *testing.T) { optest.Run(t, interleaveCases...) }
