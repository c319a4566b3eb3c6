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

// normCase is a batch norm of the given shape.
func normCase(name string, running, residual, relu bool, shape []int, refuses ...optest.Refusal) optest.Case {
	inputs := [][]int{shape}
	if residual {
		inputs = append(inputs, shape)
	}
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			n, p := newNorm(r, shape[len(shape)-1], relu)
			n.State.UseRunning = running
			return n, p
		},
		Inputs: inputs,
		Shape:  shape,
		Want: func(o graph.Op, training bool, in []*tensor.Tensor) []float64 {
			var others []array
			for _, x := range in[1:] {
				others = append(others, widen(x))
			}
			return normalized(widen(in[0]), o.(*op.Norm), training, others).v
		},
		Refuses: refuses,
	}
}

var normCases = []optest.Case{
	normCase("maps", false, false, false, []int{3, 4, 5, 6},
		optest.Refusal{Inputs: [][]int{{3, 4, 5, 5}}, Word: "5 channels reach a batch norm for 6"}),
	normCase("relu", false, false, true, []int{3, 4, 5, 6}),
	normCase("residual", false, true, false, []int{2, 4, 5, 3}),
	normCase("residual, relu", false, true, true, []int{2, 4, 5, 17}),
	normCase("vectors", false, false, false, []int{9, 7}),
	normCase("running statistics, residual, relu", true, true, true, []int{2, 3, 3, 5}),
}

func TestNorm(t *testing.T) { optest.Run(t, normCases...) }
