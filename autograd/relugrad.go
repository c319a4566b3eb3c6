package autograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/tensor"
)

// This file holds the backward pass through the ReLU at the end of a convolution. An
// operation that computes the gradient of such a result has each value of it in
// the cache; so it applies the ReLU's mask there and then, sums up the gradient
// of the bias, and writes what the convolution's own backward pass will read. A
// gradient that comes in another way is taken through the ReLU by a pass of its
// own.

// reluParts is what a variable that is the result of relu(z + bias) knows about
// it: z is a concatenation of parts along the channels.
type reluParts []reluPart

// reluPart is one part of the channels.
type reluPart struct {
	c    int
	bias *Parameter // or nil
	dz   []float32  // the gradient of z, once it has been delivered
}

// setReLU says that v is the result of a ReLU, of another part of the channels
// with each call.
func (v *Variable) setReLU(p reluPart) {
	v.ownRelu = append(v.ownRelu, p)
	v.relu = &v.ownRelu
}

// delivered reports whether the gradient of z has come.
func (r *reluParts) delivered() bool { return r != nil && (*r)[0].dz != nil }

// release gives the gradient's buffers back.
func (r *reluParts) release(tp *Tape) {
	if !r.delivered() {
		return
	}
	for i, p := range *r {
		tp.arena.Put(p.dz)
		(*r)[i].dz = nil
	}
}

// rows returns how many rows of channels x has.
func (x *Variable) rows() int { return tensor.Size(x.shape[:len(x.shape)-1]...) }

// takesReLUGrad reports whether an operation that reads x may deliver the
// gradient of what is before x's ReLU.
func (x *Variable) takesReLUGrad() bool { return x.relu != nil && !x.relu.delivered() && !x.Keep }

// reluGrad lets f compute the gradient of x and take it through the ReLU. Where
// f says that dx is 0 wherever x is, masked spares it to read x. other is what
// other readers have contributed to the gradient, or nil; f may write to it.
func (tp *Tape) reluGrad(x *Variable, masked bool, f func(other []float32, to *elementwise.ReLUGrad)) {
	parts, to := *x.relu, &tp.to
	to.X, to.Parts = nil, to.Parts[:0]
	if !masked {
		to.X = tp.value(x)
	}
	var other []float32
	if x.Grad != nil {
		other = x.Grad.Data
	}
	rows := x.rows()
	for i, p := range parts {
		g := elementwise.GradPart{C: p.c}
		if len(parts) == 1 && other != nil {
			g.DZ = other
			x.Grad = nil
		} else {
			g.DZ = tp.arena.Get(rows * p.c)
		}
		if p.bias != nil && p.bias.RequiresGrad {
			g.DBias = p.bias.beginGrad(tp)
		}
		parts[i].dz = g.DZ
		to.Parts = append(to.Parts, g)
	}
	f(other, to)
	for i, g := range to.Parts {
		if g.DBias != nil {
			parts[i].bias.endGrad(tp, g.DBias)
		}
	}
	if x.Grad != nil {
		tp.arena.Put(x.Grad.Data)
		x.Grad = nil
	}
}

// reluBackward completes the gradient of what is before y's ReLU when y's own
// backward pass begins, and returns it, part by part. The caller must call
// y.relu.release when it has used it.
func (tp *Tape) reluBackward(y *Variable) reluParts {
	if y.Grad == nil {
		return *y.relu
	}
	tp.timedBack("bias+relu", func() {
		switch {
		case y.Keep:
			kept := y.Grad
			y.Grad = nil
			tp.reluGrad(y, false, func(_ []float32, to *elementwise.ReLUGrad) { to.Backward(kept.Data, y.rows()) })
			y.Grad = kept
		case y.relu.delivered():
			// Both kinds came. They add up.
			first := *y.relu
			second := append(reluParts(nil), first...)
			y.relu = &second
			tp.reluGrad(y, false, func(dx []float32, to *elementwise.ReLUGrad) { to.Backward(dx, y.rows()) })
			for i, p := range first {
				addTo(second[i].dz, p.dz)
				tp.arena.Put(p.dz)
			}
		default:
			tp.reluGrad(y, false, func(dx []float32, to *elementwise.ReLUGrad) { to.Backward(dx, y.rows()) })
		}
	})
	return *y.relu
}
