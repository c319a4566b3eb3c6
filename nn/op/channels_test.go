package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var channelsCases = []optest.Case{
	{
		Name: "the last three", Op: alone(op.Channels{From: 4, To: 7}), Inputs: [][]int{{2, 3, 4, 7}}, Shape: []int{2, 3, 4, 3}, Want: someChannels,
		Operators: []string{"Slice"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 3, 4, 6}}, Word: "channels 4 to 7 are taken of 6"},
			{Inputs: [][]int{{2, 7}}, Word: "want [N,H,W,C]"},
		},
	},
	{Name: "the first", Op: alone(op.Channels{From: 0, To: 1}), Inputs: [][]int{{2, 3, 4, 2}}, Shape: []int{2, 3, 4, 1}, Want: someChannels},
}

func someChannels(o graph.Op, _ bool, in []*tensor.Tensor) (y []float64) {
	s, c := o.(op.Channels), in[0].Dim(-1)
	for i, v := range in[0].Data {
		if at := i % c; at >= s.From && at < s.To {
			y = append(y, float64(v))
		}
	}
	return y
}

func TestChannels(t *testing.T) { optest.Run(t, channelsCases...) }
