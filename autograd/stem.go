package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
)

// BatchNormReLUMaxPool is MaxPool2d(relu(BatchNorm(x))), the stem of a ResNet.
// It is one operation, except when a gradient must pass through running
// statistics: the normalised map, the largest of the network, is neither written
// nor kept, and nor is its gradient.
func BatchNormReLUMaxPool(tp *Tape, x *Variable, s *BatchNormState, k, stride, pad int, ceil bool) *Variable {
	batch := tp.Training && !s.UseRunning
	if tp.Record && !batch || k > 15 {
		h := BatchNorm(tp, x, s, nil, true)
		y := MaxPool2d(tp, h, k, stride, pad, ceil)
		tp.Free(h)
		return y
	}
	sh := x.Value.Shape
	p := pool.NormMax{Max: pool.Max{N: sh[0], H: sh[1], W: sh[2], C: sh[3], K: k, Stride: stride, Pad: pad, Ceil: ceil}}
	if batch && p.N*p.H*p.W < 2 {
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
	_, _, scale, shift := s.parts(stat)
	tp.timed("batch norm", func() {
		s.coefficients(x, batch, stat)
		p.Forward(x.Value.Data, scale, shift, y.Value.Data, top.Value.Data, argmax)
	})

	needs := x.needs || s.Weight.RequiresGrad || s.Bias.RequiresGrad
	record(tp, "batch norm", y, needs, []*Variable{x, y, top, held, stat}, normMaxPool{p, x, top, stat, argmax, s}, normMaxPoolBackward)
	for _, v := range []*Variable{top, held, stat} {
		tp.Free(v)
	}
	return y
}

// normMaxPool is what the backward pass of a BatchNormReLUMaxPool needs.
type normMaxPool struct {
	p            pool.NormMax
	x, top, stat *Variable
	argmax       []uint8
	s            *BatchNormState
}

func normMaxPoolBackward(tp *Tape, y *Variable, n *normMaxPool) {
	p, x, s, dy := n.p, n.x, n.s, y.Grad.Data
	mean, inv, _, _ := s.parts(n.stat)
	sums := tp.newVar(2, p.C)
	dgamma, dbeta := sums.Value.Data[:p.C], sums.Value.Data[p.C:]
	b := elementwise.BatchNorm{Mean: mean, InvStd: inv, Gamma: s.Weight.Value.Data, DGamma: dgamma, DBeta: dbeta}
	p.Reduce(dy, tp.value(y), n.top.Value.Data, b)
	if s.Weight.RequiresGrad {
		s.Weight.grad(tp, func(d []float32) { copy(d, dgamma) })
	}
	if s.Bias.RequiresGrad {
		s.Bias.grad(tp, func(d []float32) { copy(d, dbeta) })
	}
	if x.needs {
		tp.gradInto(x, func(dx []float32) { p.Grad(dy, n.argmax, tp.value(x), dx, b) })
	}
	tp.release(sums)
}

// ConvReLUMaxPool is MaxPool2d(relu(Conv2d(x)+bias)), the stem of SqueezeNet. It
// is one operation where nobody wants the gradient of x and the shape is that of
// a stem: then the convolution's result, the largest map of the network, is
// pooled row by row as it is made, and nor is its gradient ever in memory as a
// whole. bias may be nil.
func ConvReLUMaxPool(tp *Tape, x *Variable, branch ConvBranch, k, stride, pad int, ceil bool) *Variable {
	c := branch.shape(x)
	p := conv.MaxPool{Conv: c, K: k, Stride: stride, Pad: pad, Ceil: ceil}
	toBias := branch.Bias != nil && branch.Bias.RequiresGrad
	if x.needs || toBias && !branch.Weight.RequiresGrad || !p.Fits() {
		h := Conv2d(tp, x, branch.Weight, branch.Bias, branch.Stride, branch.Pad, true)
		y := MaxPool2d(tp, h, k, stride, pad, ceil)
		tp.Free(h)
		return y
	}
	oh, ow := p.Out()
	y := tp.newVar(c.N, oh, ow, c.K)
	var argmax []uint8
	var held *Variable
	if tp.Record && branch.Weight.RequiresGrad {
		held = tp.newVar((y.Value.Len() + 3) / 4) // a byte each, in a float buffer
		argmax = bytesOf(held.Value.Data)[:y.Value.Len()]
	}
	tp.timed("conv+pool", func() {
		p.Forward(x.Value.Data, branch.Weight.Value.Data, branch.Bias.data(), y.Value.Data, argmax)
	})
	record(tp, "conv+pool", y, branch.Weight.RequiresGrad, []*Variable{x, held}, convMaxPool{x, p, argmax, branch.Weight, branch.Bias}, convMaxPoolBackward)
	return y
}

// convMaxPool is what the backward pass of a ConvReLUMaxPool needs.
type convMaxPool struct {
	x       *Variable
	p       conv.MaxPool
	argmax  []uint8
	w, bias *Parameter
}

func convMaxPoolBackward(tp *Tape, y *Variable, v *convMaxPool) {
	var db []float32
	toBias := v.bias != nil && v.bias.RequiresGrad
	if toBias {
		db = v.bias.beginGrad(tp)
	}
	v.w.grad(tp, func(dw []float32) { v.p.BackwardWeights(tp.value(v.x), y.Grad.Data, v.argmax, dw, db) })
	if toBias {
		v.bias.endGrad(tp, db)
	}
}
