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

var linearCases = []optest.Case{
	{
		Name: "bias",
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			l := &op.Linear{Weight: newParam(r, 3, 7), Bias: newParam(r, 3)}
			return l, []*autograd.Parameter{l.Weight, l.Bias}
		},
		Inputs:    [][]int{{5, 7}},
		Shape:     []int{5, 3},
		MACs:      5 * 7 * 3,
		Want:      multiplied,
		Operators: []string{"Gemm"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{5, 6}}, Word: "6 features reach a linear layer for 7"},
			{Inputs: [][]int{{7}}, Word: "want [N,7]"},
		},
	},
	{
		Name: "no bias",
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			l := &op.Linear{Weight: newParam(r, 20, 9)}
			return l, []*autograd.Parameter{l.Weight}
		},
		Inputs:    [][]int{{3, 9}},
		Shape:     []int{3, 20},
		MACs:      3 * 9 * 20,
		Want:      multiplied,
		Operators: []string{"Gemm"},
	},
}

// rowsCase is a linear layer of 7 features to 3 over the last dimension of shape.
func rowsCase(name, operator string, shape ...int) optest.Case {
	c := linearCases[0]
	c.Name, c.Operators = name, []string{operator}
	out := append(append([]int(nil), shape[:len(shape)-1]...), 3)
	c.Inputs, c.Shape, c.MACs = [][]int{shape}, out, float64(tensor.Size(shape...)*3)
	return c
}

// multiplied is x·Weightᵀ + Bias.
func multiplied(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	l, x := o.(*op.Linear), widen(in[0])
	w := widen(l.Weight.Value)
	y := newArray(len(x.v)/w.shape[1], w.shape[0])
	for i := range y.v {
		n, k := i/w.shape[0], i%w.shape[0]
		if l.Bias != nil {
			y.v[i] = float64(l.Bias.Value.Data[k])
		}
		for j := range w.shape[1] {
			y.v[i] += x.v[n*w.shape[1]+j] * w.v[k*w.shape[1]+j]
		}
	}
	return activated(y, l.Activation).v
}

func init() {
	linearCases = append(linearCases, rowsCase("tokens", "MatMul", 2, 5, 7), rowsCase("maps", "Conv", 2, 3, 4, 7))
	linearCases = append(linearCases, ended(linearCases[0], op.ReLU, "Relu"), ended(linearCases[0], op.Sigmoid, "Sigmoid"))
}

func TestLinear(t *testing.T) { optest.Run(t, linearCases...) }
