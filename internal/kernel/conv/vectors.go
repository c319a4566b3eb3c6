package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file is products of a few rows, as classifiers and squeeze-and-excitation have for single pictures: their time is that
// of reading the weights, which kernels of form V read from several places at once.

// vectorFloats is how many weights are read as fast by one thread as another is called to help.
const vectorFloats = 16 << 10

// vectors reports whether the rows are few enough for form V: a tile, or half of one, takes as long for
// one row as for all that it has.
func (g *igemm) vectors() bool {
	return g.relu == nil && g.pointwise() && g.factors == nil && g.n*g.oh*g.ow <= max(1, gemm.TileRows()/3)
}

// lastVectors reports whether so many rows, after those of whole tiles, are few enough for form V beside
// tiles, which have its panels in the cache: tokens are as many as squares and one.
func (g *igemm) lastVectors(rest int) bool {
	return rest > 0 && g.n*g.oh*g.ow > rest && g.relu == nil && g.pointwise() && g.factors == nil && rest*3 <= gemm.TileRows()/2
}

// vectorRun is a product of a few rows under way.
type vectorRun struct {
	igemm
	bp          []float32
	ep          epilogue
	panels, per int // column panels, in all and of a piece
	kc          int // blocks of k in a sum; sums of more are added up, as tiles do
}

func (g *igemm) runVectors(bp []float32, ep *epilogue) {
	r := vectorRun{igemm: *g, bp: bp, panels: ground.CeilDiv(g.cols, gemm.TileCols()), per: gemm.VectorPanels, kc: gemm.CutAlone(1, 1, g.kBlocks()).KC}
	if ep != nil {
		r.ep = *ep
	}
	if g.c*g.cols >= vectorFloats {
		r.per = min(r.per, ground.CeilDiv(r.panels, 2))
	}
	parallel.ForWith(ground.CeilDiv(r.panels, r.per), r, (*vectorRun).piece)
}

// piece computes some columns of all rows.
func (r *vectorRun) piece(i int) {
	p := i * r.per
	r.compute(p, min(r.per, r.panels-p), 0, r.n*r.oh*r.ow)
}

// compute computes n column panels, from p on, of rows [r0,r1).
func (r *vectorRun) compute(p, n, r0, r1 int) {
	nr := gemm.TileCols()
	var whole, sums [gemm.VectorPanels * gemm.MaxTileCols]float32
	first := p * nr
	cols := min(n*nr, r.cols-first)
	step := r.kBlocks() * gemm.KBlock * nr
	for row := r0; row < r1; row++ {
		for at := 0; at < r.c; at += r.kc * gemm.KBlock {
			args := gemm.VectorArgs{K: min(r.c-at, r.kc*gemm.KBlock), X: &r.src[row*r.c+at], B: &r.bp[p*step+at*nr], BStep: step, C: &whole[0], Panels: n}
			if at > 0 {
				args.C = &sums[0]
			}
			gemm.FormV(&args)
			switch {
			case at > 0:
				elementwise.AddPiece(sums[:cols], whole[:cols], whole[:cols])
			case r.cuts(): // the order of igemmBlock.multiply
				r.addResidual(whole[:cols], row, first)
			}
		}
		r.finish(whole[:cols], row, first)
	}
}

// finish does to sums of a row, from column first on, what is to be done before they are stored, and stores them.
func (r *vectorRun) finish(sums []float32, row, first int) {
	if r.ep.bias != nil {
		elementwise.AddPiece(sums, r.ep.bias[first:first+len(sums)], sums)
	}
	if !r.cuts() {
		r.addResidual(sums, row, first)
	}
	if r.ep.relu {
		for i, v := range sums {
			if v < 0 { // a NaN stays
				sums[i] = 0
			}
		}
	}
	y := r.out[r.outAt(row)+first:][:len(sums)]
	copy(y, sums)
	r.ep.after.Tile(y, 1, len(y), len(y))
}

// cuts reports whether k is cut.
func (r *vectorRun) cuts() bool { return r.kBlocks() > r.kc }

func (r *vectorRun) addResidual(sums []float32, row, first int) {
	if r.ep.residual != nil {
		elementwise.AddPiece(sums, r.ep.residual[row*r.cols+first:][:len(sums)], sums)
	}
}
