package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Dropout zeroes each value with probability P, 0 to 1, and scales the rest by
// 1/(1-P) in training. Otherwise a plan has none. With Pictures it drops whole
// pictures of the batch instead of values: stochastic depth (Huang et al. 2016,
// https://arxiv.org/abs/1603.09382), which torchvision calls StochasticDepth in mode
// "row" and timm DropPath.
type Dropout struct {
	P        float64
	Pictures bool
}

// Name is "dropout".
func (d Dropout) Name() string { return "dropout" }

// Shape is that of x.
func (d Dropout) Shape(dst []int, in [][]int) ([]int, error) { return append(dst, in[0]...), nil }

// Forward drops values of in[0].
func (d Dropout) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return d.forward(tp, in[0])
}

// Compile prepares a copy: that is what is left in evaluation mode.
func (d Dropout) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { copy(out.Data, in[0].Data) })
}

// ONNX is nothing.
func (d Dropout) ONNX(_ *graph.Exporter, _ string, in []onnx.Value) (onnx.Value, error) {
	return in[0], nil
}

// MACs is 0.
func (d Dropout) MACs([][]int) float64 { return 0 }

// Rewrites takes the operation out where it does nothing.
func (d Dropout) Rewrites() []graph.Rewrite { return dropoutRewrites }

var dropoutRewrites = []graph.Rewrite{{Name: "dropout outside of training", Uses: graph.OnTape | graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	if p.Mode.Training && p.Op(v).(Dropout).P > 0 {
		return false
	}
	p.Bypass(v, p.Inputs(v)[0])
	return true
}}}

// forward zeroes in training; otherwise it returns x itself. The mask comes from
// tp.Rand, one draw of a key per call, so it does not depend on threads.
func (d Dropout) forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	p := d.P
	if !tp.Training || p <= 0 {
		return x
	}
	y := tp.New(x.Value.Shape...)
	mask := tp.New(x.Value.Shape...)
	key := tp.Rand.Uint64()
	keep := float32(0)
	if p < 1 {
		keep = float32(1 / (1 - p))
	}
	type args struct {
		x, mask, y []float32
		key        uint64
		p          float64
		keep       float32
		each       int // values that are dropped together
	}
	tp.Timed("dropout", func() {
		a := args{x.Value.Data, mask.Value.Data, y.Value.Data, key, p, keep, 1}
		if d.Pictures {
			a.each = max(1, x.Value.Len()/x.Value.Shape[0])
		}
		parallel.ChunksWith(x.Value.Len(), 1<<14, a, func(a *args, lo, hi int) {
			for i := lo; i < hi; i++ {
				m := a.keep
				if uniform(a.key, uint64(i/a.each)) < a.p {
					m = 0
				}
				a.mask[i] = m
				a.y[i] = a.x[i] * m
			}
		})
	})
	type inputs struct{ x, mask *autograd.Variable }
	autograd.Record(tp, "dropout", y, x.NeedsGrad(), []*autograd.Variable{mask}, inputs{x, mask}, func(tp *autograd.Tape, y *autograd.Variable, in *inputs) {
		elementwise.Mul(y.Grad.Data, tp.Saved(in.mask), y.Grad.Data)
		tp.GiveGrad(in.x, y)
	})
	tp.Free(mask)
	return y
}

// uniform is the i-th uniform number in [0,1) of a key.
func uniform(key, i uint64) float64 {
	z := key + i*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return float64((z^z>>31)>>11) / (1 << 53)
}
