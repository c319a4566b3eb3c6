package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/cpu"
)

// Conv2d is a 2-D convolution of x [N,H,W,C] with w [KH,KW,C,K], plus bias [K]
// when it is not nil, followed by ReLU when relu is set; the result is
// [N,OH,OW,K]. Stride and zero padding are the same in both directions.
func Conv2d(tp *Tape, x *Variable, w, bias *Parameter, stride, pad int, relu bool) *Variable {
	c := ConvBranch{w, bias, stride, pad}.shape(x)
	oh, ow := c.Out()
	y := tp.newVar(c.N, oh, ow, c.K)
	rows := c.N * oh * ow
	tp.timed("conv", func() { cpu.ConvForward(c, x.Value.Data, w.Value.Data, y.Value.Data) })
	if bias != nil || relu {
		tp.timed("bias+relu", func() {
			if bias != nil {
				cpu.AddBias(y.Value.Data, rows, c.K, bias.Value.Data, relu, y.Value.Data)
			} else {
				cpu.ReLU(y.Value.Data, y.Value.Data)
			}
		})
	}
	needs := x.needs || w.RequiresGrad || (bias != nil && bias.RequiresGrad)
	var reads []*Variable
	if w.RequiresGrad {
		reads = append(reads, x)
	}
	if relu {
		reads = append(reads, y)
	}
	tp.record("conv", y, needs, reads, func() {
		dy := y.Grad.Data
		start := tp.Profile.mark()
		toBias := bias != nil && bias.RequiresGrad
		switch {
		case relu && toBias:
			bias.grad(tp, func(db []float32) { cpu.BiasReLUBackward(dy, tp.value(y), rows, c.K, dy, db) })
		case relu:
			cpu.ReLUBackward(dy, tp.value(y), dy)
		case toBias:
			bias.grad(tp, func(db []float32) { cpu.SumRows(dy, rows, c.K, db) })
		}
		if relu || toBias {
			tp.Profile.add("bias+relu", " backward", start)
		}
		if w.RequiresGrad {
			xs := tp.value(x)
			w.grad(tp, func(dw []float32) {
				tp.timedBack("conv weights", func() { cpu.ConvBackwardWeights(c, xs, dy, dw) })
			})
		}
		if x.needs {
			tp.convDataGrad(x, c, dy, w.Value.Data)
		}
	})
	return y
}

// convDataGrad computes the gradient of a convolution's input x, or adds it to
// what other readers of x have contributed.
func (tp *Tape) convDataGrad(x *Variable, c cpu.Conv, dy, w []float32) {
	tp.timedBack("conv data", func() {
		if x.Grad != nil {
			cpu.ConvBackwardDataAdd(c, dy, w, x.Grad.Data)
			return
		}
		cpu.ConvBackwardData(c, dy, w, tp.gradBuffer(x).Data)
	})
}

// ConvBranch is the convolution in ConvReLUConcat and ConvReLUMaxPool, as Conv2d takes it. Bias may
// be nil.
type ConvBranch struct {
	Weight, Bias *Parameter
	Stride, Pad  int
}

// shape is the convolution on x. It panics when they do not fit.
func (b ConvBranch) shape(x *Variable) cpu.Conv {
	xs, ws := x.Value.Shape, b.Weight.Value.Shape
	if len(xs) != 4 || len(ws) != 4 || xs[3] != ws[2] {
		panic(fmt.Sprintf("autograd: convolution of %v with weights %v", xs, ws))
	}
	c := cpu.Conv{N: xs[0], H: xs[1], W: xs[2], C: xs[3], K: ws[3], KH: ws[0], KW: ws[1], Stride: b.Stride, Pad: b.Pad}
	if oh, ow := c.Out(); oh < 1 || ow < 1 {
		panic(fmt.Sprintf("autograd: a %d×%d input is too small for a %d×%d convolution", c.H, c.W, c.KH, c.KW))
	}
	return c
}

// ConvReLUConcat runs several convolutions on x [N,H,W,C], each with its bias
// and ReLU, and joins their channels in order: concat(relu(conv(x)+bias), …),
// as SqueezeNet's Fire expands. Each result goes straight to its place in y, and
// only y is kept. The branches' heights and widths must agree.
func ConvReLUConcat(tp *Tape, x *Variable, branches ...ConvBranch) *Variable {
	shapes := make([]cpu.Conv, len(branches))
	var oh, ow, width int
	needs := x.needs
	for i, b := range branches {
		c := b.shape(x)
		h, w := c.Out()
		if i > 0 && (h != oh || w != ow) {
			panic(fmt.Sprintf("autograd: convolutions to join give maps of %d×%d and %d×%d", oh, ow, h, w))
		}
		shapes[i], oh, ow, width = c, h, w, width+c.K
		needs = needs || b.Weight.RequiresGrad || (b.Bias != nil && b.Bias.RequiresGrad)
	}
	n := x.Value.Shape[0]
	y := tp.newVar(n, oh, ow, width)
	rows := n * oh * ow
	off := 0
	for i, b := range branches {
		c := shapes[i]
		tmp := tp.arena.Get(rows * c.K)
		tp.timed("conv", func() { cpu.ConvForward(c, x.Value.Data, b.Weight.Value.Data, tmp) })
		tp.timed("bias+relu", func() {
			var bias []float32
			if b.Bias != nil {
				bias = b.Bias.Value.Data
			} else {
				bias = make([]float32, c.K)
			}
			cpu.AddBiasStrided(tmp, rows, c.K, bias, true, y.Value.Data[off:], width)
		})
		tp.arena.Put(tmp)
		off += c.K
	}
	reads := []*Variable{y}
	for _, b := range branches {
		if b.Weight.RequiresGrad {
			reads = append(reads, x)
		}
	}
	tp.record("conv", y, needs, reads, func() {
		off := 0
		for i, b := range branches {
			c := shapes[i]
			dz := tp.arena.Get(rows * c.K)
			back := func(db []float32) {
				tp.timedBack("bias+relu", func() {
					cpu.BiasReLUBackwardStrided(y.Grad.Data[off:], tp.value(y)[off:], width, rows, c.K, dz, db)
				})
			}
			if b.Bias != nil && b.Bias.RequiresGrad {
				b.Bias.grad(tp, back)
			} else {
				back(nil)
			}
			if b.Weight.RequiresGrad {
				b.Weight.grad(tp, func(dw []float32) {
					tp.timedBack("conv weights", func() { cpu.ConvBackwardWeights(c, tp.value(x), dz, dw) })
				})
			}
			if x.needs {
				tp.convDataGrad(x, c, dz, b.Weight.Value.Data)
			}
			tp.arena.Put(dz)
			off += c.K
		}
	})
	return y
}
