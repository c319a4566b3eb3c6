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

var dropoutCases = []optest.Case{
	{
		Name: "vectors", Op: alone(op.Dropout{P: 0.4}), Inputs: [][]int{{6, 9}}, Shape: []int{6, 9},
		Want: func(_ graph.Op, training bool, in []*tensor.Tensor) []float64 {
			if training {
				return nil // what is dropped is random
			}
			return widen(in[0]).v
		},
	},
}

func TestDropout(t *testing.T) { optest.Run(t, dropoutCases...) }

// TestDropoutDrops checks that as many values are dropped as should be, and that
// the others are scaled so that the mean stays.
func TestDropoutDrops(t *testing.T) {
	const n, p = 10000, 0.4
	x := tensor.New(1, n)
	for i := range x.Data {
		x.Data[i] = 3
	}
	tp := autograd.NewTape(autograd.NewArena())
	defer tp.Reset()
	tp.Training, tp.Rand = true, rng.New(1)
	dropped := 0
	y := (op.Dropout{P: p}).Forward(tp, []*autograd.Variable{tp.Input(x, false)})
	for i, v := range y.Value.Data {
		switch {
		case v == 0:
			dropped++
		case v < 4.9999 || v > 5.0001:
			t.Fatalf("value %d is %v, want 0 or 5", i, v)
		}
	}
	if dropped < 3800 || dropped > 4200 { // four standard deviations
		t.Errorf("%d of %d values are dropped, want about 4000", dropped, n)
	}
}
