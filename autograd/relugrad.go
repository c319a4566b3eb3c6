package autograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

// This file holds the backward pass through the ReLU at the end of a convolution.
// An operation that computes the gradient of such a result has each value of it
// in the cache; so, where the plan of the network says that it is the only one,
// it applies the ReLU's mask there and then, sums up the gradient of the bias, and
// writes what the convolution's own backward pass will read. A gradient that comes
// in another way is taken through the ReLU by a pass of its own.

// ReLUParts is what a variable that is the result of relu(z + bias) has for the
// gradient of z, which is a concatenation of parts along the channels.
type ReLUParts []ReLUPart

// ReLUPart is one part of the channels.
type ReLUPart struct {
	C    int        // channels
	Bias *Parameter // or nil
	DZ   []float32  // the gradient of z [rows,C], once an operation has delivered it
}

// SetReLU says that v is the result of a ReLU, of another part of the channels
// with each call.
func (v *Variable) SetReLU(p ReLUPart) {
	v.ownRelu = append(v.ownRelu, p)
	v.relu = &v.ownRelu
}

// delivered reports whether the gradient of z has come.
func (r *ReLUParts) delivered() bool { return r != nil && (*r)[0].DZ != nil }

// release gives the gradient's buffers back.
func (r *ReLUParts) release(tp *Tape) {
	if !r.delivered() {
		return
	}
	for i, p := range *r {
		tp.arena.Put(p.DZ)
		(*r)[i].DZ = nil
	}
}

// ReleaseReLU gives back what ReLUBackward returned.
func (tp *Tape) ReleaseReLU(y *Variable) { y.relu.release(tp) }

// ReLUGrad is where the gradient of what is before a ReLU goes; its method
// Backward takes the gradient of the ReLU's result there.
type ReLUGrad = elementwise.ReLUGrad

// DeliverReLU lets f compute the gradient of x, the result of a ReLU, and take it
// through the ReLU. Where f says that dx is 0 wherever x is, masked spares it to
// read x. other is what other readers have contributed to the gradient, or nil; f
// may write to it.
func (tp *Tape) DeliverReLU(x *Variable, masked bool, f func(other []float32, to *ReLUGrad)) {
	parts, to := *x.relu, &tp.to
	to.X, to.Parts = nil, to.Parts[:0]
	if !masked {
		to.X = tp.Saved(x)
	}
	var other []float32
	if x.Grad != nil {
		other = x.Grad.Data
	}
	rows := x.Rows()
	for i, p := range parts {
		g := elementwise.GradPart{C: p.C}
		if len(parts) == 1 && other != nil {
			g.DZ = other
			x.Grad = nil
		} else {
			g.DZ = tp.arena.Get(rows * p.C)
		}
		if p.Bias != nil && p.Bias.RequiresGrad {
			g.DBias = p.Bias.BeginGrad(tp)
		}
		parts[i].DZ = g.DZ
		to.Parts = append(to.Parts, g)
	}
	f(other, to)
	for i, g := range to.Parts {
		if g.DBias != nil {
			parts[i].Bias.EndGrad(tp, g.DBias)
		}
	}
	if x.Grad != nil {
		tp.arena.Put(x.Grad.Data)
		x.Grad = nil
	}
}

// ReLUBackward completes the gradient of what is before y's ReLU when y's own
// backward pass begins, and returns it, part by part. The caller must call
// ReleaseReLU when it has used it.
func (tp *Tape) ReLUBackward(y *Variable) ReLUParts {
	if y.Grad == nil {
		return *y.relu
	}
	tp.TimedBackward("bias+relu", func() {
		switch {
		case y.Keep:
			kept := y.Grad
			y.Grad = nil
			tp.DeliverReLU(y, false, func(_ []float32, to *ReLUGrad) { to.Backward(kept.Data, y.Rows()) })
			y.Grad = kept
		case y.relu.delivered():
			// Both kinds came. They add up.
			first := *y.relu
			second := append(ReLUParts(nil), first...)
			y.relu = &second
			tp.DeliverReLU(y, false, func(dx []float32, to *ReLUGrad) { to.Backward(dx, y.Rows()) })
			for i, p := range first {
				addTo(second[i].DZ, p.DZ)
				tp.arena.Put(p.DZ)
			}
		default:
			tp.DeliverReLU(y, false, func(dx []float32, to *ReLUGrad) { to.Backward(dx, y.Rows()) })
		}
	})
	return *y.relu
}

func addTo(dst, src []float32) { elementwise.Add(dst, src, dst) }
