package elementwise

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds the backward pass through x = relu(z): the mask, the sums that are
// the gradient of z's bias, and the cut of a concatenation into its parts, in one
// pass over memory, or in none of its own, when the operation that computes the
// gradient of x hands over each block of rows while it is in the cache.

// ReLUGrad says where the gradient of z goes when an operation has computed the
// gradient of x = relu(z) [rows, C]: dz = dx where x > 0 and 0 elsewhere. z may
// be a concatenation along the channels, of which each part wants its own.
type ReLUGrad struct {
	X     []float32 // [rows, C]; nil when dx is 0 wherever x is
	Parts []GradPart
}

// GradPart is one part of the channels of a ReLUGrad.
type GradPart struct {
	C     int       // channels, of which the parts of a ReLUGrad have C together
	DZ    []float32 // [rows, C of the part], overwritten
	DBias []float32 // [C of the part], overwritten by the sums of DZ over the rows; or nil

	nonTemporal bool // DZ is stored that way
}

// channels returns the number of channels of all parts.
func (g *ReLUGrad) channels() int {
	c := 0
	for _, p := range g.Parts {
		c += p.C
	}
	return c
}

// check panics unless the slices have the lengths of rows rows.
func (g *ReLUGrad) check(op string, rows, c int) {
	if got := g.channels(); got != c {
		panic(fmt.Sprintf("%s: the parts of ReLUGrad have %d channels together, the gradient has %d", op, got, c))
	}
	ground.NeedOptional(op, "ReLUGrad.X", g.X, rows*c)
	for _, p := range g.Parts {
		ground.Need(op, "ReLUGrad.DZ", len(p.DZ), rows*p.C)
		ground.NeedOptional(op, "ReLUGrad.DBias", p.DBias, p.C)
	}
}

// Backward takes dx [rows, C] through the ReLU. With a single part DZ may be dx.
func (g *ReLUGrad) Backward(dx []float32, rows int) {
	c := g.channels()
	ground.Need("elementwise.ReLUGrad.Backward", "dx", len(dx), rows*c)
	g.check("elementwise.ReLUGrad.Backward", rows, c)
	if rows*c == 0 {
		for _, p := range g.Parts {
			clear(p.DBias)
		}
		return
	}
	size := rowwise.Chunk(rows, c)
	b := g.Begin(rowwise.Pieces(rows, size), c, dx)
	type args struct {
		b       ReLUGradBlocks
		dx      []float32
		size, c int
	}
	parallel.ChunksWith(rows, size, args{b, dx, size, c}, func(a *args, lo, hi int) {
		a.b.Take(lo/a.size, lo, hi-lo, a.dx[lo*a.c:hi*a.c])
	})
	b.End()
}

// ReLUGradBlocks is a backward pass in blocks of rows, which may be taken at the same
// time by several goroutines.
type ReLUGradBlocks struct {
	ReLUGrad
	c, blocks int
	sums      []float32 // [blocks, c]
}

// Begin prepares for that many blocks of c channels. in, which may be nil, is
// where all of dx is before the blocks are taken, if it is anywhere.
func (g *ReLUGrad) Begin(blocks, c int, in []float32) ReLUGradBlocks {
	for i := range g.Parts {
		p := &g.Parts[i]
		p.nonTemporal = ground.StoresNonTemporal(Table.Active().NonTemporalFloats, len(p.DZ), p.DZ, p.C, in)
	}
	return ReLUGradBlocks{ReLUGrad: *g, c: c, blocks: blocks, sums: ground.GetScratch(blocks * c)}
}

// Take takes block i, the n rows from r on, of which dx [n, c] is the gradient.
func (b *ReLUGradBlocks) Take(i, r, n int, dx []float32) {
	sums := b.sums[i*b.c:][:b.c]
	clear(sums)
	at := 0
	for _, p := range b.Parts {
		var x []float32
		if b.X != nil {
			x = b.X[r*b.c+at:]
		}
		dz := p.DZ[r*p.C:][:n*p.C]
		splitSum(dx[at:], x, b.c, dz, n, p.C, sums[at:], p.nonTemporal)
		at += p.C
	}
}

// End adds up the biases' gradients, block after block, in float64.
func (b *ReLUGradBlocks) End() {
	at := 0
	for _, p := range b.Parts {
		if p.DBias != nil {
			rowwise.MergeSums(b.sums[at:], b.blocks, b.c, p.DBias)
		}
		at += p.C
	}
	ground.PutScratch(b.sums)
}

// splitSumGo copies c channels of each of the rows of dx, which are stride
// floats apart, as those of x are, to dz [rows, c], with 0 where x is not above
// 0 unless x is nil; and adds what it copied to sums [c].
func splitSumGo(dx, x []float32, stride int, dz []float32, rows, c int, sums []float32) {
	for r := range rows {
		for i, g := range dx[r*stride:][:c] {
			if x != nil {
				g = rowwise.IfPositive(x[r*stride+i], g)
			}
			dz[r*c+i] = g
			sums[i] += g
		}
	}
}
