package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var avgPoolCases = []optest.Case{
	{
		Name: "2 at stride 2", Op: alone(op.AvgPool{Kernel: 2, Stride: 2}), Inputs: [][]int{{2, 7, 6, 5}}, Shape: []int{2, 3, 3, 5}, Want: meansOfWindows,
		Operators: []string{"AveragePool"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 5}}, Word: "want [N,H,W,C]"},
			{Inputs: [][]int{{1, 1, 4, 5}}, Word: "too small"},
		},
	},
	{Name: "2 at stride 2, rounded up", Op: alone(op.AvgPool{Kernel: 2, Stride: 2, Ceil: true}), Inputs: [][]int{{2, 7, 5, 20}}, Shape: []int{2, 4, 3, 20}, Want: meansOfWindows},
	{Name: "3 at stride 1, padded", Op: alone(op.AvgPool{Kernel: 3, Stride: 1, Pad: 1}), Inputs: [][]int{{2, 4, 5, 3}}, Shape: []int{2, 4, 5, 3}, Want: meansOfWindows},
}

func meansOfWindows(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	m, x := o.(op.AvgPool), widen(in[0])
	s, err := o.Shape(nil, [][]int{x.shape})
	if err != nil {
		panic(err)
	}
	y := newArray(s...)
	for i := range y.v {
		c, col, row, n := i%s[3], i/s[3]%s[2], i/s[3]/s[2]%s[1], i/s[3]/s[2]/s[1]
		count := 0.0
		for kh := range m.Kernel {
			for kw := range m.Kernel {
				if h, w := row*m.Stride-m.Pad+kh, col*m.Stride-m.Pad+kw; x.inside(h, w) {
					count++
					y.v[i] += x.v[x.at(n, h, w, c)]
				}
			}
		}
		y.v[i] /= count
	}
	return y.v
}

func TestAvgPool(t *testing.T) { optest.Run(t, avgPoolCases...) }
