package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/cpu"
)

// Conv2d is a 2-D convolution of x [N,H,W,C] with w [KH,KW,C,K], plus bias [K]
// when it is not nil, followed by ReLU when relu is set; the result is
// [N,OH,OW,K]. Stride and zero padding are the same in both directions.
func Conv2d(tp *Tape, x *Variable, w, bias *Parameter, stride, pad int, relu bool) *Variable {
	xs, ws := x.Value.Shape, w.Value.Shape
	if len(xs) != 4 || len(ws) != 4 || xs[3] != ws[2] {
		panic(fmt.Sprintf("autograd: convolution of %v with weights %v", xs, ws))
	}
	c := cpu.Conv{N: xs[0], H: xs[1], W: xs[2], C: xs[3], K: ws[3], KH: ws[0], KW: ws[1], Stride: stride, Pad: pad}
	oh, ow := c.Out()
	if oh < 1 || ow < 1 {
		panic(fmt.Sprintf("autograd: a %d×%d input is too small for a %d×%d convolution", c.H, c.W, c.KH, c.KW))
	}
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
	tp.record("conv", y, needs, []*Variable{x}, func() {
		dy := y.Grad.Data
		start := tp.now()
		toBias := bias != nil && bias.RequiresGrad
		switch {
		case relu && toBias:
			bias.grad(tp, func(db []float32) { cpu.BiasReLUBackward(dy, y.Value.Data, rows, c.K, dy, db) })
		case relu:
			cpu.ReLUBackward(dy, y.Value.Data, dy)
		case toBias:
			bias.grad(tp, func(db []float32) { cpu.SumRows(dy, rows, c.K, db) })
		}
		if relu || toBias {
			tp.Profile.add("bias+relu", true, start)
		}
		if w.RequiresGrad {
			w.grad(tp, func(dw []float32) { cpu.ConvBackwardWeights(c, x.Value.Data, dy, dw) })
		}
		if x.needs {
			tp.gradInto(x, func(dx []float32) { cpu.ConvBackwardData(c, dy, w.Value.Data, dx) })
		}
	})
	return y
}
