package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
)

// MaxPool2d takes the maximum over k×k windows of x [N,H,W,C] (torch's
// MaxPool2d, with its ceil_mode as ceil). Padding counts as minus infinity.
func MaxPool2d(tp *Tape, x *Variable, k, stride, pad int, ceil bool) *Variable {
	s := x.Value.Shape
	p := pool.Max{N: s[0], H: s[1], W: s[2], C: s[3], K: k, Stride: stride, Pad: pad, Ceil: ceil}
	oh, ow := p.Out()
	if oh < 1 || ow < 1 {
		panic(fmt.Sprintf("autograd: a %d×%d input is too small for a %d×%d max pool", p.H, p.W, k, k))
	}
	y := tp.newVar(p.N, oh, ow, p.C)
	var argmax []uint8
	var held *Variable
	if x.needs && tp.Record {
		held = tp.newVar((y.Value.Len() + 3) / 4) // a byte each, in a float buffer
		argmax = bytesOf(held.Value.Data)[:y.Value.Len()]
	}
	// The backward pass then skips what the ReLU before made 0.
	p.OfReLU = argmax != nil && x.relu != nil && k <= 15
	tp.timed("pool", func() { p.Forward(x.Value.Data, y.Value.Data, argmax) })
	record(tp, "pool", y, x.needs, []*Variable{held}, maxPool{x, argmax, p}, maxPoolBackward)
	return y
}

// maxPool is what the backward pass of a MaxPool2d needs.
type maxPool struct {
	x      *Variable
	argmax []uint8
	p      pool.Max
}

func maxPoolBackward(tp *Tape, y *Variable, p *maxPool) {
	x, dy := p.x, y.Grad.Data
	if p.p.OfReLU && x.takesReLUGrad() && x.Grad == nil {
		tp.reluGrad(x, true, func(_ []float32, to *elementwise.ReLUGrad) {
			p.p.Backward(dy, p.argmax, elementwise.InputGrad{ReLU: to})
		})
		return
	}
	tp.gradInto(x, func(dx []float32) {
		p.p.Backward(dy, p.argmax, elementwise.InputGrad{DX: dx})
	})
}

// GlobalAvgPool averages x [N,H,W,C] over the picture: [N,C]. It is torch's
// AdaptiveAvgPool2d(1) followed by flatten.
func GlobalAvgPool(tp *Tape, x *Variable) *Variable {
	g := globalShape(x)
	y := tp.newVar(g.N, g.C)
	tp.timed("pool", func() { g.Avg(x.Value.Data, y.Value.Data) })
	record(tp, "pool", y, x.needs, nil, x, func(tp *Tape, y *Variable, x **Variable) {
		tp.gradInto(*x, func(dx []float32) { globalShape(*x).AvgBackward(y.Grad.Data, dx, false) })
	})
	return y
}

// GlobalMaxPool takes the maximum of each channel of x [N,H,W,C]: [N,C].
func GlobalMaxPool(tp *Tape, x *Variable) *Variable {
	g := globalShape(x)
	y := tp.newVar(g.N, g.C)
	held := tp.newVar(g.N * g.C) // an int32 each, in a float buffer
	argmax := int32sOf(held.Value.Data)
	tp.timed("pool", func() { g.Max(x.Value.Data, y.Value.Data, argmax) })
	record(tp, "pool", y, x.needs, []*Variable{held}, maxima{x, argmax}, func(tp *Tape, y *Variable, p *maxima) {
		tp.gradInto(p.x, func(dx []float32) { globalShape(p.x).MaxBackward(y.Grad.Data, p.argmax, dx, false) })
	})
	tp.Free(held)
	return y
}

// ConcatPool is fastai's AdaptiveConcatPool2d(1) followed by flatten: the
// maximum of each channel of x [N,H,W,C], then the average of each: [N,2C].
func ConcatPool(tp *Tape, x *Variable) *Variable {
	g := globalShape(x)
	n, c := g.N, g.C
	y := tp.newVar(n, 2*c)
	mx, av := tp.newVar(n, c), tp.newVar(n, c)
	held := tp.newVar(g.N * g.C) // an int32 each, in a float buffer
	argmax := int32sOf(held.Value.Data)
	tp.timed("pool", func() {
		g.Max(x.Value.Data, mx.Value.Data, argmax)
		g.Avg(x.Value.Data, av.Value.Data)
		elementwise.CopyStrided(y.Value.Data, 2*c, mx.Value.Data, c, c, n)
		elementwise.CopyStrided(y.Value.Data[c:], 2*c, av.Value.Data, c, c, n)
	})
	tp.release(mx)
	tp.release(av)
	record(tp, "pool", y, x.needs, []*Variable{held}, maxima{x, argmax}, concatPoolBackward)
	tp.Free(held)
	return y
}

// maxima is what the backward pass of a ConcatPool or GlobalMaxPool needs.
type maxima struct {
	x      *Variable
	argmax []int32
}

func concatPoolBackward(tp *Tape, y *Variable, p *maxima) {
	g := globalShape(p.x)
	n, c := g.N, g.C
	dmx, dav := tp.newVar(n, c), tp.newVar(n, c)
	elementwise.CopyStrided(dmx.Value.Data, c, y.Grad.Data, 2*c, c, n)
	elementwise.CopyStrided(dav.Value.Data, c, y.Grad.Data[c:], 2*c, c, n)
	tp.gradInto(p.x, func(dx []float32) {
		g.MaxBackward(dmx.Value.Data, p.argmax, dx, false)
		g.AvgBackward(dav.Value.Data, dx, true)
	})
	tp.release(dmx)
	tp.release(dav)
}

func globalShape(x *Variable) pool.Global {
	s := x.shape
	if len(s) != 4 {
		panic(fmt.Sprintf("autograd: global pooling of shape %v, want [N,H,W,C]", s))
	}
	return pool.Global{N: s[0], HW: s[1] * s[2], C: s[3]}
}
