package op_test

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

var grnCases = []optest.Case{{
	Name: "maps",
	Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
		o := &op.GRN{Weight: newParam(r, 11), Bias: newParam(r, 11), Eps: 1e-6}
		return o, []*autograd.Parameter{o.Weight, o.Bias}
	},
	Inputs: [][]int{{3, 4, 5, 11}}, Shape: []int{3, 4, 5, 11},
	Want:      responded,
	Operators: []string{"ReduceL2"},
	Refuses: []optest.Refusal{
		{Inputs: [][]int{{3, 11}}, Word: "want [N,H,W,C]"},
		{Inputs: [][]int{{3, 4, 5, 10}}, Word: "10 channels reach a global response normalization for 11"},
	},
}}

func responded(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	p, x := o.(*op.GRN), widen(in[0])
	c, each := x.shape[3], x.shape[1]*x.shape[2]*x.shape[3]
	for n := 0; n < len(x.v); n += each {
		g, mean := make([]float64, c), 0.0
		for i, v := range x.v[n : n+each] {
			g[i%c] += v * v
		}
		for i := range g {
			g[i] = math.Sqrt(g[i])
			mean += g[i] / float64(c)
		}
		for i, v := range x.v[n : n+each] {
			x.v[n+i] = v*(1+float64(p.Weight.Value.Data[i%c])*g[i%c]/(mean+p.Eps)) + float64(p.Bias.Value.Data[i%c])
		}
	}
	return x.v
}

func TestGRN(t *testing.T) { optest.Run(t, grnCases...) }
