package op_test

import (
	"math"
	"sort"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func newVote(classes, neighbors int, class ...float32) func(*rng.Stream) (graph.Op, []*autograd.Parameter) {
	return func(*rng.Stream) (graph.Op, []*autograd.Parameter) {
		return &op.Vote{Class: class, Neighbors: []float32{float32(neighbors)}, Classes: classes}, nil
	}
}

var voteCases = []optest.Case{{
	Name: "three of seven", Op: newVote(3, 3, 0, 1, 2, 0, 1, 1, 0), Inputs: [][]int{{5, 7}}, Shape: []int{5, 3},
	Want: votedFor, Operators: []string{"TopK", "Gather"},
	Refuses: []optest.Refusal{{Inputs: [][]int{{5, 6}}, Word: "a vote takes [N,7]"}, {Inputs: [][]int{{5, 1, 1, 7}}, Word: "a vote takes [N,7]"}},
}, {
	Name: "one neighbor", Op: newVote(2, 1, 1, 0, 1, 1), Inputs: [][]int{{3, 4}}, Shape: []int{3, 2}, Want: votedFor, Operators: []string{"TopK"},
}, {
	Name: "all points", Op: newVote(4, 5, 3, 0, 1, 3, 3), Inputs: [][]int{{2, 5}}, Shape: []int{2, 4}, Want: votedFor, Operators: []string{"TopK"},
}}

func votedFor(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	v := o.(*op.Vote)
	m, k := len(v.Class), int(v.Neighbors[0])
	var out []float64
	for n := 0; n < len(in[0].Data); n += m {
		x, at := in[0].Data[n:n+m], make([]int, m)
		for i := range at {
			at[i] = i
		}
		sort.SliceStable(at, func(i, j int) bool { return x[at[i]] > x[at[j]] })
		share, sum := make([]float64, v.Classes), 0.0
		for _, i := range at[:k] {
			w := math.Exp(float64(x[i]))
			share[int(v.Class[i])] += w
			sum += w
		}
		for _, s := range share {
			out = append(out, math.Log((float64(k)*s/sum+1/float64(v.Classes))/float64(k+1)))
		}
	}
	return out
}

func TestVote(t *testing.T) { optest.Run(t, voteCases...) }
