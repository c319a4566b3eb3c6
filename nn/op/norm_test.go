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
		Operators: operators("BatchNormalization", residual, relu),
		Refuses:   refuses,
	}
}

var normCases = []optest.Case{
	normCase("maps", false, false, false, []int{3, 4, 5, 6},
		optest.Refusal{Inputs: [][]int{{3, 4, 5, 5}}, Word: "5 channels reach a batch norm for 6"}),
	normCase("relu", false, false, true, []int{3, 4, 5, 6}),
	normCase("residual", false, true, false, []int{2, 4, 5, 3}),
	normCase("residual, relu", false, true, true, []int{2, 4, 5, 17}),
	ended(normCase("maps", false, false, false, []int{3, 4, 5, 6}), op.SiLU, "Sigmoid"),
	ended(normCase("residual", false, true, false, []int{2, 4, 5, 17}), op.ReLU6, "Clip"),
	normCase("vectors", false, false, false, []int{9, 7}),
	normCase("running statistics, residual, relu", true, true, true, []int{2, 3, 3, 5}),
}

func TestNorm(t *testing.T) { optest.Run(t, normCases...) }

// TestNormMovesStatistics checks the running statistics after a step of training,
// of the operation and of the one that pools too: they go a tenth of the way to
// the mean and the unbiased variance of the batch, and stay where they are
// taken or nothing trains.
func TestNormMovesStatistics(t *testing.T) {
	const rows, c = 2 * 5 * 4, 3
	for _, tc := range []struct {
		name                     string
		training, running, moves bool
	}{{"training", true, false, true}, {"evaluation", false, false, false}, {"running statistics taken", true, true, false}} {
		for _, pool := range []bool{false, true} {
			r := rng.New(3)
			n, _ := newNorm(r, c, true)
			n.State.UseRunning = tc.running
			x := newParam(r, 2, 5, 4, c).Value
			want := [2][]float64{make([]float64, c), make([]float64, c)}
			for k := range c {
				mean, variance := 0.0, 0.0
				for i := k; i < len(x.Data); i += c {
					mean += float64(x.Data[i]) / rows
				}
				for i := k; i < len(x.Data); i += c {
					d := float64(x.Data[i]) - mean
					variance += d * d / (rows - 1)
				}
				for i, moved := range []*float32{&n.State.RunningMean[k], &n.State.RunningVar[k]} {
					want[i][k] = float64(*moved)
					if tc.moves {
						want[i][k] += 0.1 * ([]float64{mean, variance}[i] - want[i][k])
					}
				}
			}
			var o graph.Op = n
			if pool {
				o = &op.NormMaxPool{Norm: n, Pool: op.MaxPool{Kernel: 2, Stride: 2}}
			}
			tp := autograd.NewTape(autograd.NewArena())
			tp.Record, tp.Training = true, tc.training
			o.Forward(tp, []*autograd.Variable{tp.Input(x, false)})
			tp.Reset()
			for i, got := range [][]float32{n.State.RunningMean, n.State.RunningVar} {
				for k, g := range got {
					if math.Abs(float64(g)-want[i][k]) > 1e-5 {
						t.Errorf("%s, pooled %v: running %s of channel %d is %v, want %v", tc.name, pool, []string{"mean", "variance"}[i], k, g, want[i][k])
					}
				}
			}
		}
	}
}
