package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var blurPoolCases = []optest.Case{
	{
		Name: "at stride 2", Op: alone(op.BlurPool{Stride: 2}), Inputs: [][]int{{2, 7, 6, 5}}, Shape: []int{2, 4, 3, 5}, Want: blurred,
		Operators: []string{"Pad", "Conv"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 5}}, Word: "want [N,H,W,C]"},
			{Inputs: [][]int{{1, 4, 1, 5}}, Word: "too small"},
		},
	},
	{Name: "of the smallest map", Op: alone(op.BlurPool{Stride: 2}), Inputs: [][]int{{1, 2, 2, 20}}, Shape: []int{1, 1, 1, 20}, Want: blurred},
	{Name: "at stride 1", Op: alone(op.BlurPool{Stride: 1}), Inputs: [][]int{{1, 3, 4, 2}}, Shape: []int{1, 3, 4, 2}, Want: blurred},
}

// blurred weighs the nine values around a pixel; beyond an edge are those on the other
// side of it.
func blurred(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	stride, x := o.(op.BlurPool).Stride, widen(in[0])
	s, err := o.Shape(nil, [][]int{x.shape})
	if err != nil {
		panic(err)
	}
	mirror := func(i, n int) int {
		for _, j := range []int{i, -i, 2*n - 2 - i} {
			if j >= 0 && j < n {
				return j
			}
		}
		panic("too far away")
	}
	filter := [3]float64{0.25, 0.5, 0.25}
	y := newArray(s...)
	for i := range y.v {
		c, col, row, n := i%s[3], i/s[3]%s[2], i/s[3]/s[2]%s[1], i/s[3]/s[2]/s[1]
		for a, v := range filter {
			for b, w := range filter {
				y.v[i] += v * w * x.v[x.at(n, mirror(row*stride+a-1, x.shape[1]), mirror(col*stride+b-1, x.shape[2]), c)]
			}
		}
	}
	return y.v
}

func TestBlurPool(t *testing.T) { optest.Run(t, blurPoolCases...) }
