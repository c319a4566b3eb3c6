package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var maxPoolCases = []optest.Case{
	{
		Name: "3 at stride 2, padded", Op: alone(op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}), Inputs: [][]int{{2, 7, 6, 5}}, Shape: []int{2, 4, 3, 5}, Want: largestOfWindows,
		Refuses: []optest.Refusal{{Inputs: [][]int{{2, 5}}, Word: "want [N,H,W,C]"}},
	},
	{
		Name: "3 at stride 2, rounded up", Op: alone(op.MaxPool{Kernel: 3, Stride: 2, Ceil: true}), Inputs: [][]int{{2, 8, 6, 5}}, Shape: []int{2, 4, 3, 5}, Want: largestOfWindows,
		Refuses: []optest.Refusal{{Inputs: [][]int{{1, 1, 1, 5}}, Word: "too small"}},
	},
}

func largestOfWindows(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	return maxPooled(widen(in[0]), o.(op.MaxPool)).v
}

func TestMaxPool(t *testing.T) { optest.Run(t, maxPoolCases...) }
