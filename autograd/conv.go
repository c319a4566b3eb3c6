package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

// Conv2d is a 2-D convolution of x [N,H,W,C] with w [KH,KW,C,K], plus bias [K]
// when it is not nil, followed by ReLU when relu is set; the result is
// [N,OH,OW,K]. Stride and zero padding are the same in both directions.
func Conv2d(tp *Tape, x *Variable, w, bias *Parameter, stride, pad int, relu bool) *Variable {
	c := ConvBranch{w, bias, stride, pad}.shape(x)
	oh, ow := c.Out()
	y := tp.newVar(c.N, oh, ow, c.K)
	tp.timed("conv", func() {
		c.Forward(x.Value.Data, w.Value.Data, y.Value.Data, elementwise.Epilogue{Bias: bias.data(), Activation: activation(relu)})
	})
	if relu {
		y.setReLU(reluPart{c: c.K, bias: bias})
	}
	needs := x.needs || w.RequiresGrad || (bias != nil && bias.RequiresGrad)
	reads := make([]*Variable, 0, maxReads)
	if w.RequiresGrad {
		reads = append(reads, x)
	}
	if relu {
		reads = append(reads, y)
	}
	record(tp, "conv", y, needs, reads, conv2d{x, c, w, bias, relu}, convBackward)
	return y
}

// activation is ReLU or nothing, as kernels take it.
func activation(relu bool) elementwise.Activation {
	if relu {
		return elementwise.RectifiedUnit
	}
	return elementwise.Identity
}

// conv2d is what the backward pass of a Conv2d needs.
type conv2d struct {
	x       *Variable
	c       conv.Conv
	w, bias *Parameter
	relu    bool
}

func convBackward(tp *Tape, y *Variable, v *conv2d) {
	if v.relu {
		tp.convBackward(v.x, v.c, v.w, tp.reluBackward(y)[0].dz, true)
		y.relu.release(tp)
		return
	}
	dy := y.Grad.Data
	if v.bias != nil && v.bias.RequiresGrad {
		v.bias.grad(tp, func(db []float32) {
			tp.timedBack("bias+relu", func() { elementwise.SumRows(dy, y.rows(), v.c.K, db) })
		})
	}
	tp.convBackward(v.x, v.c, v.w, dy, true)
}

// convBackward computes the gradients of the weights w and the input x of a
// convolution from that of its result, each if it is wanted. x's adds to what
// other readers of x have contributed; last tells that the operation has no
// more to contribute.
func (tp *Tape) convBackward(x *Variable, c conv.Conv, w *Parameter, dy []float32, last bool) {
	if w.RequiresGrad {
		xs := tp.value(x)
		w.grad(tp, func(dw []float32) {
			tp.timedBack("conv weights", func() { c.BackwardWeights(xs, dy, dw) })
		})
	}
	if !x.needs {
		return
	}
	tp.timedBack("conv data", func() {
		switch {
		case last && x.takesReLUGrad():
			tp.reluGrad(x, false, func(other []float32, to *elementwise.ReLUGrad) {
				c.BackwardData(dy, w.Value.Data, elementwise.InputGrad{DX: other, ReLU: to})
			})
		case x.Grad != nil:
			c.BackwardData(dy, w.Value.Data, elementwise.InputGrad{DX: x.Grad.Data, Add: true})
		default:
			c.BackwardData(dy, w.Value.Data, elementwise.InputGrad{DX: tp.gradBuffer(x).Data})
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
func (b ConvBranch) shape(x *Variable) conv.Conv {
	xs, ws := x.Value.Shape, b.Weight.Value.Shape
	if len(xs) != 4 || len(ws) != 4 || xs[3] != ws[2] {
		panic(fmt.Sprintf("autograd: convolution of %v with weights %v", xs, ws))
	}
	c := conv.Conv{N: xs[0], H: xs[1], W: xs[2], C: xs[3], K: ws[3], KH: ws[0], KW: ws[1], Stride: b.Stride, Pad: b.Pad}
	if oh, ow := c.Out(); oh < 1 || ow < 1 {
		panic(fmt.Sprintf("autograd: a %d×%d input is too small for a %d×%d convolution", c.H, c.W, c.KH, c.KW))
	}
	return c
}

// ConvReLUConcat runs several convolutions on x [N,H,W,C], each with its bias
// and ReLU, and joins their channels in order: concat(relu(conv(x)+bias), …),
// as SqueezeNet's Fire expands. Each result goes straight to its place in y, and
// only y is kept. The branches' heights and widths must agree, and there are at
// most four.
func ConvReLUConcat(tp *Tape, x *Variable, branches ...ConvBranch) *Variable {
	if len(branches) > maxBranches {
		panic(fmt.Sprintf("autograd: %d convolutions to join, want at most %d", len(branches), maxBranches))
	}
	var shapes [maxBranches]conv.Conv
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
	for i, b := range branches {
		c := shapes[i]
		y.setReLU(reluPart{c: c.K, bias: b.Bias})
		tp.timed("conv", func() {
			c.Forward(x.Value.Data, b.Weight.Value.Data, y.Value.Data[off:],
				elementwise.Epilogue{Bias: b.Bias.data(), Activation: elementwise.RectifiedUnit, Stride: width})
		})
		off += c.K
	}
	reads := append(make([]*Variable, 0, maxReads), y)
	a := convConcat{x: x, shapes: shapes, n: len(branches)}
	for i, b := range branches {
		a.weights[i] = b.Weight
		if b.Weight.RequiresGrad {
			reads = append(reads, x)
		}
	}
	record(tp, "conv", y, needs, reads, a, convConcatBackward)
	return y
}

// maxBranches is how many convolutions ConvReLUConcat joins at most.
const maxBranches = 4

// convConcat is what the backward pass of a ConvReLUConcat needs, for n branches.
type convConcat struct {
	x       *Variable
	shapes  [maxBranches]conv.Conv
	weights [maxBranches]*Parameter
	n       int
}

func convConcatBackward(tp *Tape, y *Variable, a *convConcat) {
	dz := tp.reluBackward(y)
	// The first branch comes last: in a Fire it is 1x1, and what these leave
	// may go through x's ReLU on the way.
	for i := a.n - 1; i >= 0; i-- {
		tp.convBackward(a.x, a.shapes[i], a.weights[i], dz[i].dz, i == 0)
	}
	y.relu.release(tp)
}
