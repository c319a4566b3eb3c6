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

func layerScaleCase(name string, shape ...int) optest.Case {
	c := shape[len(shape)-1]
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			l := &op.LayerScale{Gamma: newParam(r, c)}
			return l, []*autograd.Parameter{l.Gamma}
		},
		Inputs: [][]int{shape}, Shape: shape,
		Want: func(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			x := widen(in[0])
			for i := range x.v {
				x.v[i] *= float64(o.(*op.LayerScale).Gamma.Value.Data[i%c])
			}
			return x.v
		},
		Operators: []string{"Mul"},
		Refuses:   []optest.Refusal{{Inputs: [][]int{{2, 3, c + 1}}, Word: "channels reach a layer scale"}},
	}
}

var layerScaleCases = []optest.Case{layerScaleCase("tokens", 2, 5, 9), layerScaleCase("maps", 2, 3, 4, 7)}

func TestLayerScale(t *testing.T) { optest.Run(t, layerScaleCases...) }
