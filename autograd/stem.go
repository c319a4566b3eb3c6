package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/cpu"
)

// BatchNormReLUMaxPool is MaxPool2d(relu(BatchNorm(x))), the stem of a ResNet.
// In training with batch statistics it is one operation: the normalised map,
// the largest of the network, is neither written nor kept, and nor is its
// gradient.
func BatchNormReLUMaxPool(tp *Tape, x *Variable, s *BatchNormState, k, stride, pad int, ceil bool) *Variable {
	if !tp.Record || !tp.Training || s.UseRunning || k > 15 {
		h := BatchNorm(tp, x, s, nil, true)
		y := MaxPool2d(tp, h, k, stride, pad, ceil)
		tp.Free(h)
		return y
	}
	sh := x.Value.Shape
	p := cpu.NormMaxPool{N: sh[0], H: sh[1], W: sh[2], C: sh[3], K: k, Stride: stride, Pad: pad, Ceil: ceil}
	if p.N*p.H*p.W < 2 {
		panic(fmt.Sprintf("autograd: batch norm needs more than one value per channel to train, input %v", sh))
	}
	oh, ow := p.Out()
	if oh < 1 || ow < 1 {
		panic(fmt.Sprintf("autograd: a %d×%d input is too small for a %d×%d max pool", p.H, p.W, k, k))
	}
	y, top := tp.newVar(p.N, oh, ow, p.C), tp.newVar(p.N, oh, ow, p.C)
	held := tp.newVar((y.Value.Len() + 3) / 4) // a byte each, in a float buffer
	argmax := bytesOf(held.Value.Data)[:y.Value.Len()]
	stat := tp.newVar(4, p.C)
	mean, inv, scale, shift := s.parts(stat)
	tp.timed("batch norm", func() {
		s.coefficients(x, true, stat)
		p.Forward(x.Value.Data, scale, shift, y.Value.Data, top.Value.Data, argmax)
	})

	needs := x.needs || s.Weight.RequiresGrad || s.Bias.RequiresGrad
	tp.record("batch norm", y, needs, []*Variable{x, top, held, stat}, func() {
		dy := y.Grad.Data
		sums := tp.newVar(2, p.C)
		dgamma, dbeta := sums.Value.Data[:p.C], sums.Value.Data[p.C:]
		p.Reduce(dy, y.Value.Data, top.Value.Data, mean, inv, dgamma, dbeta)
		if s.Weight.RequiresGrad {
			s.Weight.grad(tp, func(d []float32) { copy(d, dgamma) })
		}
		if s.Bias.RequiresGrad {
			s.Bias.grad(tp, func(d []float32) { copy(d, dbeta) })
		}
		if x.needs {
			tp.gradInto(x, func(dx []float32) {
				p.Grad(dy, argmax, x.Value.Data, mean, inv, s.Weight.Value.Data, dgamma, dbeta, dx)
			})
		}
		for _, v := range []*Variable{sums, top, held, stat} {
			tp.release(v)
		}
	})
	if !y.retained {
		tp.Free(top)
		tp.Free(held)
		tp.Free(stat)
	}
	return y
}
