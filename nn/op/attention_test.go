package op_test

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/tensor"
)

var attentionCases = []optest.Case{
	{
		Name: "two heads", Op: alone(op.Attention{Heads: 2}), Inputs: [][]int{{2, 5, 18}}, Shape: []int{2, 5, 6},
		MACs: 2 * 2 * 5 * 5 * 6, Want: attended, Operators: []string{"Softmax", "MatMul"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 5, 15}}, Word: "want a multiple of three times the heads"},
			{Inputs: [][]int{{2, 18}}, Word: "want tokens [N,T,3C]"},
		},
	},
	{
		Name: "heads of 32 channels", Op: alone(op.Attention{Heads: 1}), Inputs: [][]int{{1, 17, 96}}, Shape: []int{1, 17, 32},
		MACs: 2 * 17 * 17 * 32, Want: attended,
	},
}

func attended(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	heads, x := o.(op.Attention).Heads, widen(in[0])
	n, tokens, c := x.shape[0], x.shape[1], x.shape[2]/3
	d := c / heads
	y := newArray(n, tokens, c)
	at := func(n, t, part, h, i int) float64 { return x.v[(n*tokens+t)*3*c+part*c+h*d+i] }
	for i := range y.v {
		channel, t, n := i%c, i/c%tokens, i/c/tokens
		h, sum := channel/d, 0.0
		for u := range tokens {
			score := 0.0
			for k := range d {
				score += at(n, t, 0, h, k) * at(n, u, 1, h, k)
			}
			p := math.Exp(score / math.Sqrt(float64(d)))
			sum += p
			y.v[i] += p * at(n, u, 2, h, channel%d)
		}
		y.v[i] /= sum
	}
	return y.v
}

func TestAttention(t *testing.T) { optest.Run(t, attentionCases...) }
