package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// BackwardWeights computes dw [KH,KW,C,K], the gradient of the weights, from
// x [N,H,W,C] and dy [N,OH,OW,K]. dw is overwritten. It panics when a length
// does not fit.
func (c Conv) BackwardWeights(x, dy, dw []float32) {
	const op = "conv.Conv.BackwardWeights"
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	ground.Need(op, "dy", len(dy), c.N*oh*ow*c.K)
	ground.Need(op, "dw", len(dw), c.KH*c.KW*c.C*c.K)
	if winograd.Wins(ground.ConvShape(c), winograd.PassBackwardWeights) {
		winograd.BackwardWeights(ground.ConvShape(c), x, dy, dw)
		return
	}
	directBackwardWeights(c, x, dy, dw)
}

// BackwardData computes the gradient of the input x [N,H,W,C] from
// dy [N,OH,OW,K] and w [KH,KW,C,K], and takes it where to says. Through a ReLU,
// for 1x1 windows with stride 1, the gradient of x is never in memory as a
// whole. It panics when a length does not fit.
func (c Conv) BackwardData(dy, w []float32, to elementwise.InputGrad) {
	const op = "conv.Conv.BackwardData"
	c.mustCheck(op)
	oh, ow := c.Out()
	rows := c.N * c.H * c.W
	ground.Need(op, "dy", len(dy), c.N*oh*ow*c.K)
	ground.Need(op, "w", len(w), c.KH*c.KW*c.C*c.K)
	to.Check(op, rows, c.C)
	switch {
	case to.ReLU != nil && c.Stride == 1 && c.pointwise():
		g, bp := backwardIGEMM(c, dy, w, nil)
		g.relu = to.ReLU
		g.run(bp, &epilogue{residual: to.DX})
		ground.PutScratch(bp)
	case to.ReLU != nil && to.DX != nil:
		c.backwardDataAdd(dy, w, to.DX)
		to.ReLU.Backward(to.DX, rows)
	case to.ReLU != nil:
		dx := to.ReLU.Parts[0].DZ
		if len(to.ReLU.Parts) > 1 {
			dx = ground.GetScratch(rows * c.C)
			defer ground.PutScratch(dx)
		}
		c.backwardData(dy, w, dx)
		to.ReLU.Backward(dx, rows)
	case to.Add:
		c.backwardDataAdd(dy, w, to.DX)
	default:
		c.backwardData(dy, w, to.DX)
	}
}

// backwardData is BackwardData that overwrites dx.
func (c Conv) backwardData(dy, w, dx []float32) {
	if winograd.Wins(ground.ConvShape(c), winograd.PassBackwardData) {
		winograd.BackwardData(ground.ConvShape(c), dy, w, dx, false)
		return
	}
	directBackwardData(c, dy, w, dx)
}

// backwardDataAdd is BackwardData that adds to dx: dx goes through memory once
// more, not three times more. The sum is rounded once for each pixel, as if the
// gradient had been computed apart and then added, up to the order of a long
// sum.
func (c Conv) backwardDataAdd(dy, w, dx []float32) {
	switch {
	case winograd.Wins(ground.ConvShape(c), winograd.PassBackwardData):
		winograd.BackwardData(ground.ConvShape(c), dy, w, dx, true)
	case c.Stride == 1:
		g, bp := backwardIGEMM(c, dy, w, dx)
		g.run(bp, &epilogue{residual: dx})
		ground.PutScratch(bp)
	case c.pointwise():
		addPointwise(c, dy, w, dx)
	default:
		tmp := ground.GetScratch(len(dx))
		directBackwardData(c, dy, w, tmp)
		elementwise.Add(dx, tmp, dx)
		ground.PutScratch(tmp)
	}
}

// backwardIGEMM returns the data gradient of a convolution with stride 1 and its
// packed weights, scratch.
func backwardIGEMM(c Conv, dy, w, dx []float32) (igemm, []float32) {
	oh, ow := c.Out()
	pad := ground.ConvShape(c).Padding()
	py, px := phaseOf(0, c.KH, 1, pad.Top, c.H), phaseOf(0, c.KW, 1, pad.Left, c.W)
	g := igemm{
		src: dy, n: c.N, h: oh, w: ow, c: c.K, stride: 1,
		dy0: py.first, dx0: px.first, ndy: py.taps, ndx: px.taps,
		oh: c.H, ow: c.W, cols: c.C,
		out: dx, outN: c.H * c.W * c.C, outRow: c.W * c.C, outPix: c.C,
		flat: gemm.UseFlat(c.K),
	}
	bp := ground.GetScratch(gemm.PackedBLen(g.kBlocks()*gemm.KBlock, c.C))
	packBackward(bp, c, w, py, px)
	return g, bp
}

// addPointwise is backwardDataAdd for 1x1 windows at a stride: only the
// pixels that the windows meet have a gradient.
func addPointwise(c Conv, dy, w, dx []float32) {
	oh, ow := c.Out()
	small := Conv{N: c.N, H: oh, W: ow, C: c.C, K: c.K, KH: 1, KW: 1, Stride: 1}
	tmp := ground.GetScratch(c.N * oh * ow * c.C)
	directBackwardData(small, dy, w, tmp)
	type args struct {
		c       Conv
		tmp, dx []float32
	}
	parallel.ForWith(c.N*oh, args{c, tmp, dx}, func(a *args, i int) {
		c := &a.c
		oh, ow := c.Out()
		n, y := i/oh, i%oh*c.Stride
		for x := range ow {
			d := a.dx[((n*c.H+y)*c.W+x*c.Stride)*c.C:][:c.C]
			s := a.tmp[(i*ow+x)*c.C:][:c.C]
			elementwise.AddPiece(d, s, d)
		}
	})
	ground.PutScratch(tmp)
}
