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
	tp.timed("conv", func() { cpu.ConvForwardBias(c, x.Value.Data, w.Value.Data, bias.data(), relu, y.Value.Data, c.K) })
	if relu {
		y.relu = &reluParts{{c: c.K, bias: bias}}
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
		if relu {
			tp.convBackward(x, c, w, tp.reluBackward(y)[0].dz, true)
			y.relu.release(tp)
			return
		}
		dy := y.Grad.Data
		if bias != nil && bias.RequiresGrad {
			bias.grad(tp, func(db []float32) {
				tp.timedBack("bias+relu", func() { cpu.SumRows(dy, rows, c.K, db) })
			})
		}
		tp.convBackward(x, c, w, dy, true)
	})
	return y
}

// convBackward computes the gradients of the weights w and the input x of a
// convolution from that of its result, each if it is wanted. x's adds to what
// other readers of x have contributed; last tells that the operation has no
// more to contribute.
func (tp *Tape) convBackward(x *Variable, c cpu.Conv, w *Parameter, dy []float32, last bool) {
	if w.RequiresGrad {
		xs := tp.value(x)
		w.grad(tp, func(dw []float32) {
			tp.timedBack("conv weights", func() { cpu.ConvBackwardWeights(c, xs, dy, dw) })
		})
	}
	if !x.needs {
		return
	}
	tp.timedBack("conv data", func() {
		switch {
		case last && x.takesReLUGrad():
			tp.reluGrad(x, false, func(other []float32, to *cpu.ReLUGrad) {
				cpu.ConvBackwardDataReLU(c, dy, w.Value.Data, other, to)
			})
		case x.Grad != nil:
			cpu.ConvBackwardDataAdd(c, dy, w.Value.Data, x.Grad.Data)
		default:
			cpu.ConvBackwardData(c, dy, w.Value.Data, tp.gradBuffer(x).Data)
		}
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
	y := tp.newVar(x.Value.Shape[0], oh, ow, width)
	off := 0
	parts := make(reluParts, len(branches))
	for i, b := range branches {
		c := shapes[i]
		parts[i] = reluPart{c: c.K, bias: b.Bias}
		tp.timed("conv", func() {
			cpu.ConvForwardBias(c, x.Value.Data, b.Weight.Value.Data, b.Bias.data(), true, y.Value.Data[off:], width)
		})
		off += c.K
	}
	y.relu = &parts
	reads := []*Variable{y}
	for _, b := range branches {
		if b.Weight.RequiresGrad {
			reads = append(reads, x)
		}
	}
	tp.record("conv", y, needs, reads, func() {
		dz := tp.reluBackward(y)
		// The first branch comes last: in a Fire it is 1x1, and what these
		// leave may go through x's ReLU on the way.
		for i := len(branches) - 1; i >= 0; i-- {
			tp.convBackward(x, shapes[i], branches[i].Weight, dz[i].dz, i == 0)
		}
		y.relu.release(tp)
	})
	return y
}
