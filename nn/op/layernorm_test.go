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

// layerNormCase is a layer norm over the last dimension of shape.
func layerNormCase(name string, shape ...int) optest.Case {
	c := shape[len(shape)-1]
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			return newLayerNorm(r, c)
		},
		Inputs: [][]int{shape}, Shape: shape, Want: layerNormed,
		Operators: []string{"ReduceMean", "Sqrt"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, c + 1}}, Word: "channels reach layer normalization"},
			{Inputs: [][]int{{c}}, Word: "want [N,"},
		},
	}
}

var layerNormCases = []optest.Case{
	layerNormCase("vectors", 3, 7), layerNormCase("tokens", 2, 5, 24), layerNormCase("maps", 2, 3, 4, 17),
}

func newLayerNorm(r *rng.Stream, c int) (*op.LayerNorm, []*autograd.Parameter) {
	l := &op.LayerNorm{Weight: newParam(r, c), Bias: newParam(r, c), Eps: 1e-3}
	return l, []*autograd.Parameter{l.Weight, l.Bias}
}

func layerNormed(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	l, x := o.(*op.LayerNorm), widen(in[0])
	c := l.Weight.Value.Len()
	for r := 0; r < len(x.v); r += c {
		row, mean, variance := x.v[r:r+c], 0.0, 0.0
		for _, v := range row {
			mean += v / float64(c)
		}
		for _, v := range row {
			variance += (v - mean) * (v - mean) / float64(c)
		}
		for i, v := range row {
			row[i] = (v-mean)/math.Sqrt(variance+l.Eps)*float64(l.Weight.Value.Data[i]) + float64(l.Bias.Value.Data[i])
		}
	}
	return x.v
}

func TestLayerNorm(t *testing.T) { optest.Run(t, layerNormCases...) }
