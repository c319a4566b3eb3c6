package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var scaleChannelsCases = []optest.Case{
	{
		Name: "maps", Op: alone(op.ScaleChannels{}), Inputs: [][]int{{2, 5, 4, 19}, {2, 1, 1, 19}}, Shape: []int{2, 5, 4, 19},
		Operators: []string{"Mul"},
		Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			y, s := widen(in[0]), widen(in[1])
			for i := range y.v {
				y.v[i] *= s.v[i/(5*4*19)*19+i%19]
			}
			return y.v
		},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 5, 4, 19}, {1, 1, 1, 19}}, Word: "want [2 1 1 19]"},
			{Inputs: [][]int{{2, 19}, {2, 19}}, Word: "want [N,H,W,C]"},
		},
	},
}

func TestScaleChannels(t *testing.T) { optest.Run(t, scaleChannelsCases...) }
