package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

var normStemCases = []optest.Case{
	normStemCase("64 channels, padded", false, []int{3, 6, 6, 64}, []int{3, 3, 3, 64}, op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}),
	normStemCase("windows of 2, rounded up", false, []int{2, 7, 8, 3}, []int{2, 4, 4, 3}, op.MaxPool{Kernel: 2, Stride: 2, Ceil: true}),
	normStemCase("running statistics, padded", true, []int{2, 8, 8, 5}, []int{2, 4, 4, 5}, op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}),
	normStemCase("few channels, rounded up", false, []int{2, 7, 8, 6}, []int{2, 3, 4, 6}, op.MaxPool{Kernel: 3, Stride: 2, Ceil: true}),
	normStemCase("padded", false, []int{2, 8, 7, 20}, []int{2, 4, 4, 20}, op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}),
}

func normStemCase(name string, running bool, in, out []int, pool op.MaxPool) optest.Case {
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			n, p := newNorm(r, in[3], true)
			n.State.UseRunning = running
			return &op.NormMaxPool{Norm: n, Pool: pool}, p
		},
		Inputs: [][]int{in},
		Shape:  out,
		Want: func(o graph.Op, training bool, in []*tensor.Tensor) []float64 {
			s := o.(*op.NormMaxPool)
			return maxPooled(normalized(widen(in[0]), s.Norm, training, nil), s.Pool).v
		},
		Operators: []string{"BatchNormalization", "Relu", "MaxPool"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 7, 8, 4}}, Word: "4 channels reach a batch norm"},
			{Inputs: [][]int{{2, 0, 0, in[3]}}, Word: "too small"},
			{Inputs: [][]int{{2, in[3]}}, Word: "want [N,H,W,C]"},
		},
	}
}

func TestNormMaxPool(t *testing.T) { optest.Run(t, normStemCases...) }
