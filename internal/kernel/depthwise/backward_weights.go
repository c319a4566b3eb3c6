package depthwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// BackwardWeights computes dw [KH,KW,C], the gradient of the weights, from
// x [N,H,W,C] and dy [N,OH,OW,C]. dw is overwritten. A picture's sums are in
// float32, those over the pictures in float64, both in an order that depends on the
// shape and the instruction set alone. It panics when a length does not fit.
func (c Conv) BackwardWeights(x, dy, dw []float32) {
	const op = "depthwise.Conv.BackwardWeights"
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	ground.Need(op, "dy", len(dy), c.N*oh*ow*c.C)
	ground.Need(op, "dw", len(dw), c.KH*c.KW*c.C)
	g := weightGrad{Conv: c, oh: oh, ow: ow, width: ground.RoundUp(ow, c.group()), x: x, dy: dy}
	var rows int
	g.chunk, rows = cut(fewPieces, c.C, g.stripCols(), c.KH, (oh-1)*c.Stride+c.KH)
	g.rows = (rows-c.KH)/c.Stride + 1
	g.sums = ground.GetScratch(c.N * len(dw))
	defer ground.PutScratch(g.sums)
	parallel.ForWith(c.N*ground.CeilDiv(c.C, g.chunk), g, (*weightGrad).piece)
	rowwise.MergeSums(g.sums, c.N, len(dw), dw)
}

// weightGrad is a gradient of the weights under way.
type weightGrad struct {
	Conv
	oh, ow, chunk, rows int
	width               int // ow in whole groups
	x, dy               []float32
	sums                []float32 // [N, KH, KW, C]
}

// stripCols is the width of the strips of x.
func (g *weightGrad) stripCols() int { return (g.width-1)*g.Stride + g.KW }

// piece sums up one picture for a run of its channels.
func (g *weightGrad) piece(i int) {
	b := block()
	chunks := ground.CeilDiv(g.C, g.chunk)
	img, ch := i/chunks, i%chunks*g.chunk
	channels := min(g.chunk, g.C-ch)
	blocks, taps := ground.CeilDiv(channels, b), g.KH*g.KW
	dw := ground.GetScratch(blocks * taps * b)
	defer ground.PutScratch(dw)
	clear(dw)
	x, dy := newStrip((g.rows-1)*g.Stride+g.KH, g.stripCols(), channels), newStrip(g.rows, g.width, channels)
	defer ground.PutScratch(x.data)
	defer ground.PutScratch(dy.data)
	for r := 0; r < g.oh; r += g.rows {
		x.fill(source{g.x[img*g.H*g.W*g.C+ch:], g.H, g.W, g.C, g.Reflect}, r*g.Stride-g.Pad.Top, -g.Pad.Left, channels)
		dy.fill(source{g.dy[img*g.oh*g.ow*g.C+ch:], g.oh, g.ow, g.C, false}, r, 0, channels) // beyond the last row 0
		for k := range blocks {
			g.block(min(g.rows, g.oh-r), x.cols, x.data[k*x.blockLen():], dy.data[k*dy.blockLen():], dw[k*taps*b:])
		}
	}
	for k := range blocks {
		n := min(b, channels-k*b)
		for t := range taps {
			copy(g.sums[(img*taps+t)*g.C+ch+k*b:][:n], dw[(k*taps+t)*b:])
		}
	}
}

// block adds rows of a strip, cols wide, to the gradients [KH, KW, block] of one
// block of channels.
func (g *weightGrad) block(rows, cols int, x, dy, dw []float32) {
	b, t := block(), table.Active()
	a := gradArgs{
		dy: &dy[0], rows: rows, groups: g.width / g.group(),
		xRow: cols * b, xStep: g.Stride * b, xSkip: (cols - g.width) * g.Stride * b,
	}
	add := func(kernel func(a *gradArgs), ky, kx int) {
		a.x, a.dw = &x[(ky*cols+kx)*b], &dw[(ky*g.KW+kx)*b]
		kernel(isa.Arg(&a))
	}
	ky := 0
	if g.group() > 1 {
		for _, k := range []struct {
			rows, cols int
			kernels    *byStride[gradArgs]
		}{{3, 3, &t.Grad3x3}, {2, 5, &t.Grad2x5}, {1, 5, &t.Grad1x5}, {1, 7, &t.Grad1x7}} {
			for ; k.cols == g.KW && ky+k.rows <= g.KH; ky += k.rows {
				add(k.kernels[g.Stride-1], ky, 0)
			}
		}
	}
	for ; ky < g.KH; ky++ {
		for kx := range g.KW {
			add(t.GradOne, ky, kx)
		}
	}
}

// group is how many outputs the kernels for these taps take at once.
func (c *Conv) group() int {
	switch {
	case c.Stride > 2, c.KW == 3 && c.KH != 3:
		return 1
	case c.KW == 3, c.KW == 5:
		return fewOutputs
	case c.KW == 7:
		return manyOutputs
	}
	return 1
}
