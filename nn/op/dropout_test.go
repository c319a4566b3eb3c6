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
	{
		Name: "pictures", Op: alone(op.Dropout{P: 0.4, Pictures: true}), Inputs: [][]int{{6, 3, 2, 4}}, Shape: []int{6, 3, 2, 4},
		Want: func(_ graph.Op, training bool, in []*tensor.Tensor) []float64 {
			if training {
				return nil
			}
			return widen(in[0]).v
		},
	},
}

// TestStochasticDepth checks that pictures are dropped or kept as a whole.
func TestStochasticDepth(t *testing.T) {
	const n, each, p = 2000, 6, 0.3
	x := tensor.New(n, 1, 2, 3)
	for i := range x.Data {
		x.Data[i] = 7
	}
	tp := autograd.NewTape(autograd.NewArena())
	defer tp.Reset()
	tp.Training, tp.Rand = true, rng.New(1)
	y := (op.Dropout{P: p, Pictures: true}).Forward(tp, []*autograd.Variable{tp.Input(x, false)}).Value.Data
	dropped := 0
	for i := 0; i < len(y); i += each {
		for _, v := range y[i : i+each] {
			if v != y[i] || v != 0 && (v < 9.9999 || v > 10.0001) {
				t.Fatalf("picture %d is %v, want all 0 or all 10", i/each, y[i:i+each])
			}
		}
		if y[i] == 0 {
			dropped++
		}
	}
	if dropped < 518 || dropped > 682 { // four standard deviations
		t.Errorf("%d of %d pictures are dropped, want about 600", dropped, n)
	}
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
