package op

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/rng"
)

// The stem as one operation gives what its three parts give: values, gradients,
// running statistics.
func TestStemEqualsItsParts(t *testing.T) {
	for _, tc := range []struct {
		name                         string
		shape                        []int
		k, stride, pad               int
		ceil                         bool
		training, record, useRunning bool
		frozen                       bool // x needs no gradient
	}{
		{name: "training", shape: []int{2, 14, 13, 20}, k: 3, stride: 2, pad: 1, training: true, record: true},
		{name: "training, 64 channels", shape: []int{3, 12, 12, 64}, k: 3, stride: 2, pad: 1, training: true, record: true},
		{name: "few channels, ceil", shape: []int{2, 7, 8, 3}, k: 2, stride: 2, ceil: true, training: true, record: true},
		{name: "frozen below", shape: []int{2, 8, 8, 5}, k: 3, stride: 2, pad: 1, training: true, record: true, frozen: true},
		{name: "running statistics", shape: []int{2, 8, 8, 5}, k: 3, stride: 2, pad: 1, training: true, record: true, useRunning: true},
		{name: "evaluation", shape: []int{2, 8, 8, 5}, k: 3, stride: 2, pad: 1},
		{name: "evaluation, ceil, few channels", shape: []int{2, 8, 9, 3}, k: 2, stride: 2, ceil: true},
		{name: "recording in evaluation", shape: []int{2, 8, 8, 5}, k: 3, stride: 2, pad: 1, record: true},
		{name: "training without recording", shape: []int{2, 8, 8, 5}, k: 3, stride: 2, pad: 1, training: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run := func(stem func(tp *autograd.Tape, x *autograd.Variable, s *BatchNormState) *autograd.Variable) [][]float32 {
				r := rng.New(7)
				x := random(r, tc.shape...)
				s := newNorm(r, tc.shape[3])
				s.UseRunning = tc.useRunning
				a := autograd.NewArena()
				tp := autograd.NewTape(a)
				tp.Training, tp.Record = tc.training, tc.record
				in := tp.Input(x, !tc.frozen)
				y := stem(tp, in, s)
				out := [][]float32{append([]float32(nil), y.Value.Data...), s.RunningMean, s.RunningVar}
				if tc.record {
					tp.Backward(y, random(r, y.Value.Shape...))
					out = append(out, s.Weight.Grad.Data, s.Bias.Grad.Data)
					if !tc.frozen {
						out = append(out, append([]float32(nil), in.Grad.Data...))
					}
				}
				tp.Reset()
				return out
			}
			got := run(func(tp *autograd.Tape, x *autograd.Variable, s *BatchNormState) *autograd.Variable {
				return batchNormReLUMaxPool(tp, x, s, tc.k, tc.stride, tc.pad, tc.ceil)
			})
			want := run(func(tp *autograd.Tape, x *autograd.Variable, s *BatchNormState) *autograd.Variable {
				return maxPool2d(tp, normForward(tp, x, s, nil, true), tc.k, tc.stride, tc.pad, tc.ceil)
			})
			for i, name := range []string{"value", "running mean", "running variance", "weight's gradient", "bias's gradient", "input's gradient"}[:len(want)] {
				for k, w := range want[i] {
					if g := got[i][k]; !(math.Abs(float64(g-w)) <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
						t.Fatalf("%s[%d] = %v, its parts give %v", name, k, g, w)
					}
				}
			}
		})
	}
}

// So does the stem without batch norm.
func TestConvStemEqualsItsParts(t *testing.T) {
	for _, tc := range []struct {
		name           string
		shape          []int
		out, k         int
		bias, record   bool
		frozen, fixedW bool
	}{
		{name: "training", shape: []int{2, 15, 13, 3}, out: 20, k: 3, bias: true, record: true},
		{name: "no bias", shape: []int{2, 12, 12, 4}, out: 16, k: 3, record: true},
		{name: "picture needs no gradient", shape: []int{2, 12, 12, 3}, out: 5, k: 2, bias: true, record: true, frozen: true},
		{name: "only the bias trains", shape: []int{2, 12, 12, 3}, out: 5, k: 2, bias: true, record: true, frozen: true, fixedW: true},
		{name: "evaluation", shape: []int{1, 12, 12, 3}, out: 64, k: 3, bias: true},
		{name: "a window that is not fused", shape: []int{1, 40, 40, 3}, out: 4, k: 16, bias: true, record: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run := func(stem func(tp *autograd.Tape, x *autograd.Variable, b convBranch) *autograd.Variable) [][]float32 {
				r := rng.New(9)
				x := random(r, tc.shape...)
				b := convBranch{Weight: autograd.NewParameter(random(r, 3, 3, tc.shape[3], tc.out)), Stride: 2}
				b.Weight.RequiresGrad = !tc.fixedW
				if tc.bias {
					b.Bias = autograd.NewParameter(random(r, tc.out))
				}
				a := autograd.NewArena()
				tp := autograd.NewTape(a)
				tp.Training, tp.Record = tc.record, tc.record
				in := tp.Input(x, !tc.frozen)
				y := stem(tp, in, b)
				out := [][]float32{append([]float32(nil), y.Value.Data...)}
				if tc.record {
					tp.Backward(y, random(r, y.Value.Shape...))
					if !tc.fixedW {
						out = append(out, b.Weight.Grad.Data)
					}
					if tc.bias {
						out = append(out, b.Bias.Grad.Data)
					}
					if !tc.frozen {
						out = append(out, append([]float32(nil), in.Grad.Data...))
					}
				}
				tp.Reset()
				return out
			}
			got := run(func(tp *autograd.Tape, x *autograd.Variable, b convBranch) *autograd.Variable {
				return convReLUMaxPool(tp, x, b, tc.k, 2, 0, true)
			})
			want := run(func(tp *autograd.Tape, x *autograd.Variable, b convBranch) *autograd.Variable {
				return maxPool2d(tp, conv2d(tp, x, b.Weight, b.Bias, b.Stride, b.Pad, true), tc.k, 2, 0, true)
			})
			for i := range want {
				for k, w := range want[i] {
					if g := got[i][k]; !(math.Abs(float64(g-w)) <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
						t.Fatalf("result %d[%d] = %v, its parts give %v", i, k, g, w)
					}
				}
			}
		})
	}
}
