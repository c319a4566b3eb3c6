package depthwise

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// This file computes depthwise convolutions of what a 1×1 convolution makes, as in
// inverted residual blocks: a piece makes the rows of the channels that it reads itself,
// in its cache. The map between the two, a network's largest, is never in memory. Rows at
// the edges of strips are made twice.

const (
	// madeFloats bounds what a piece makes at a time. Where rows are not made in blocks, the
	// same rows in blocks are beside it.
	madeFloats = 48 << 10
	// madePieces is into how many pieces the channels of a few small maps are cut. A piece
	// more costs packing some rows again.
	madePieces = 12
	// madeBlocks is how many blocks of channels a piece has at least, if they fit: fewer
	// end in the middle of a line of the cache, which two threads would write then.
	madeBlocks = 2
)

// ForwardOf is Forward for x [N·H·W, C], which is computed in parts. c must not reflect.
func (p *Packed) ForwardOf(c Conv, x conv.Pixels, y []float32, a elementwise.Activation) {
	const op = "depthwise.Packed.ForwardOf"
	p.check(op, c)
	if pixels, channels := x.Len(); pixels != c.N*c.H*c.W || channels != c.C || c.Reflect {
		panic(fmt.Sprintf("%s: %d pixels of %d channels are not the maps of %+v, or these are reflected", op, pixels, channels, c))
	}
	s := c.sums(op, p.weights, y, a)
	s.made, s.from = true, x
	s.run()
}

// cutMade returns how many channels pieces have, and how many rows of results.
func (s *sums) cutMade() (channels, stripRows int) {
	b := block()
	all, per := ground.CeilDiv(s.c, b), s.stripCols()*b // blocks, and floats of a row of one
	if rows := (s.rows-1)*s.step + s.over; rows*per <= madeFloats {
		fit := max(1, min(madeFloats/(rows*per), max(madeBlocks, all*s.n/madePieces)))
		return min(s.c, b*ground.CeilDiv(all, ground.CeilDiv(all, fit))), s.rows
	}
	rows := max(1, (madeFloats/per-s.over)/s.step+1)
	return min(s.c, b), ground.CeilDiv(s.rows, ground.CeilDiv(s.rows, rows))
}

// makeRows computes rows of a picture from row top on, which may be negative, and fills
// strip x with them.
func (s *sums) makeRows(x *strip, img, top, ch, channels int) {
	lo, hi := max(0, top), min(s.h, top+x.rows)
	hi = max(lo, hi)
	if x0, x1 := x.inside(s.w, s.left); lo < hi && x0 < x1 && block() == gemm.TileCols() && s.from.RowsFit(x1-x0) {
		line := x.cols * block()
		s.from.ComputeRows((img*s.h+lo)*s.w+s.left+x0, hi-lo, x1-x0, s.w, ch, channels, x.data[(lo-top)*line+x0*block():], line, x.blockLen())
		for r := range x.rows {
			x.clearAround(r, channels, top+r >= lo && top+r < hi, x0, x1)
		}
		return
	}
	ld := ground.RoundUp(channels, block())
	made := ground.GetScratch((hi - lo) * s.w * ld)
	defer ground.PutScratch(made)
	if lo < hi {
		s.from.Compute((img*s.h+lo)*s.w, (img*s.h+hi)*s.w, ch, channels, made, ld)
	}
	x.fill(source{made, hi - lo, s.w, ld, false}, top-lo, s.left, channels)
}
