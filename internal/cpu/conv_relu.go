package cpu

// ConvBackwardDataReLU is ConvBackwardData for an input x that is itself the
// result of a ReLU: the gradient of x, plus other [N,H,W,C] unless that is nil,
// goes through that ReLU to to. other is what x's other readers contribute; its
// content is undefined afterwards, and with a single part DZ may be other. For
// 1x1 windows with stride 1 the gradient of x is never in memory as a whole. It
// panics when a length does not fit.
func ConvBackwardDataReLU(c Conv, dy, w, other []float32, to *ReLUGrad) {
	const op = "ConvBackwardDataReLU"
	if err := c.Check(); err != nil {
		panic("cpu." + op + ": " + err.Error())
	}
	oh, ow := c.Out()
	rows := c.N * c.H * c.W
	need(op, "w", len(w), c.KH*c.KW*c.C*c.K)
	need(op, "y", len(dy), c.N*oh*ow*c.K)
	if other != nil {
		need(op, "other", len(other), rows*c.C)
	}
	to.check(op, rows, c.C)
	if c.KH == 1 && c.KW == 1 && c.Stride == 1 && c.Pad == 0 {
		g, bp := backwardIGEMM(c, dy, w, nil)
		g.relu = to
		g.run(bp, &epilogue{residual: other})
		putScratch(bp)
		return
	}
	if other != nil {
		ConvBackwardDataAdd(c, dy, w, other)
		to.Backward(other, rows)
		return
	}
	dx := to.Parts[0].DZ
	if len(to.Parts) > 1 {
		dx = getScratch(rows * c.C)
		defer putScratch(dx)
	}
	ConvBackwardData(c, dy, w, dx)
	to.Backward(dx, rows)
}
