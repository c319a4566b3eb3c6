package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// The gradient of the filters: dw = Gᵀ (Σ_tiles V ⊙ dM) G, with V = Bᵀ x B
// and dM = A dy Aᵀ. In the packed domain it is 36 products dU = Vᵀ·dM that
// sum over tiles, computed in pieces of 64 source channels by one panel of
// destination channels.
//
// As in the forward pass there are two schedules. Fused: a piece of work is a
// piece of dU over a long run of tiles, taken a few at a time, so that V, dM
// and dU stay in one core's L2 cache; the transforms of a channel are repeated
// for every piece that it is in. Staged: all cores transform a group of tiles
// into the L3 cache, then each takes pieces of dU.
//
// Runs, groups and pieces depend on the shape alone, and every sum is taken in
// the order of the tiles: the result does not depend on the threads.

const (
	winoGradFused    = 64 * 128  // most C*K for the fused schedule, by measurement
	winoGradRows     = 64        // source channels of a piece
	winoGradSteps    = 192       // tiles summed in registers at a time: a dM panel stays in the L1 cache
	winoGradXi       = 4         // xi of a piece, when pieces are cut by xi
	winoGradSome     = 8         // tiles of a piece of the transforms
	winoGradFloats   = 7 << 19   // V and dM of a group: 14 MB
	winoGradL2Floats = 220 << 10 // everything a fused piece works on: 880 KB
)

// winoFilterGrads is one filter gradient.
type winoFilterGrads struct {
	g      winoGeom
	x, dy  []float32
	dw     []float32
	cp     int // source channels, rounded up to 16
	blocks int // of winoGradRows source channels
	panels int // of destination channels
}

// BackwardWeights computes dw [3,3,C,K] from x [N,H,W,C] and
// dy [N,OH,OW,K], overwriting dw.
func BackwardWeights(c ground.ConvShape, x, dy, dw []float32) {
	g := winoForwardGeom(c)
	nr := Cols()
	s := winoFilterGrads{g: g, x: x, dy: dy, dw: dw, cp: ground.RoundUp(c.C, winoLanes), panels: (c.K + nr - 1) / nr}
	s.blocks = (s.cp + winoGradRows - 1) / winoGradRows
	if s.cp*ground.RoundUp(c.K, winoLanes) <= winoGradFused {
		s.fused()
		return
	}
	s.staged()
}

// winoGradStride is the distance between consecutive xi of a piece of dU.
func winoGradStride() int { return winoGradRows*Cols() + winoXiPad }

// channels returns those of piece i: source channels [c0,c0+cn), a multiple
// of 16 that may pass the last, and panel p.
func (s *winoFilterGrads) channels(i int) (c0, cn, p int) {
	c0 = i / s.panels * winoGradRows
	return c0, min(winoGradRows, s.cp-c0), i % s.panels
}

func (s *winoFilterGrads) fused() {
	g, nr := &s.g, Cols()
	pieces := s.blocks * s.panels
	rows := min(s.cp, winoGradRows)
	size := (winoGradL2Floats - winoPoints*rows*nr) / ((winoPoints + 16) * (rows + nr))
	if size > g.tw {
		size -= size % g.tw // whole rows of tiles share the rows of the map
	}
	runs := min((winoMinPieces+pieces-1)/pieces, (g.tiles+size-1)/size)
	run := (g.tiles + runs - 1) / runs
	runs = (g.tiles + run - 1) / run
	size = min(size, run)

	var partial []float32
	if runs > 1 {
		partial = ground.GetScratch(runs * pieces * 9 * winoGradRows * nr)
		defer ground.PutScratch(partial)
	}
	// Pieces of one run follow each other, so that they find x and dy in the
	// L3 cache.
	w := winoGradRuns{winoFilterGrads: *s, partial: partial, pieces: pieces, runs: runs, run: run, size: size}
	parallel.ForWith(runs*pieces, w, (*winoGradRuns).part)
	if runs > 1 {
		parallel.ForWith(pieces*9, w, (*winoGradRuns).sum)
	}
}

// winoGradRuns is a fused gradient under way.
type winoGradRuns struct {
	winoFilterGrads
	partial   []float32 // [runs][pieces][9][64][NR], if there are several runs
	pieces    int       // of dU
	runs, run int       // of run tiles
	size      int       // tiles taken at a time
}

// of is where dw of run r and piece i goes.
func (s *winoGradRuns) of(r, i int) []float32 {
	n := 9 * winoGradRows * Cols()
	return s.partial[(r*s.pieces+i)*n:][:n]
}

// part computes piece j%pieces over run j/pieces.
func (s *winoGradRuns) part(j int) {
	g, nr, size := &s.g, Cols(), s.size
	r, i := j/s.pieces, j%s.pieces
	c0, cn, p := s.channels(i)
	b := newWinoGradTiles(c0, cn, p, 1, size)
	du := ground.GetScratch(winoPoints * winoGradStride())
	end := min(g.tiles, (r+1)*s.run)
	for t0 := r * s.run; t0 < end; t0 += size {
		n := min(size, end-t0)
		b.transform(&s.winoFilterGrads, t0, 0, n)
		var ahead winoAhead
		next := min(end, t0+n+size)
		if span := g.sourceSpan(s.x, t0+n, next); len(span) > 0 {
			ahead.add(span[c0:], min(cn, g.c-c0), g.c)
		}
		if span := g.destSpan(s.dy, g.k, t0+n, next); len(span) > 0 {
			ahead.add(span[p*nr:], min(nr, g.k-p*nr), g.k)
		}
		ahead.spread(winoPoints * winoGradTimes(cn))
		b.multiply(g, 0, cn, 0, 0, winoPoints, t0, n, t0 > r*s.run, du, &ahead)
	}
	b.free()
	if s.runs == 1 {
		s.finish(i, du)
	} else {
		winoFilterGradPanel(cn, du, s.of(r, i), nr, winoGradRows*nr)
	}
	ground.PutScratch(du)
}

// sum adds up tap j%9 of piece j/9 over the runs.
func (s *winoGradRuns) sum(j int) {
	i, tap := j/9, j%9
	n := winoGradRows * Cols()
	sum := s.of(0, i)[tap*n:][:n]
	for r := 1; r < s.runs; r++ {
		elementwise.AddPiece(sum, s.of(r, i)[tap*n:][:n], sum)
	}
	s.store(i, tap, sum)
}

func (s *winoFilterGrads) staged() {
	g, nr := &s.g, Cols()
	size := max(winoGradSome, winoGradFloats/(winoPoints*(s.cp+s.panels*nr)))
	groups := (g.tiles + size - 1) / size
	size = (g.tiles + groups - 1) / groups
	w := winoGradGroup{winoFilterGrads: *s, b: newWinoGradTiles(0, s.cp, 0, s.panels, size), pieces: s.blocks * s.panels}
	defer w.b.free()
	piece := winoPoints * winoGradStride()
	if w.pieces >= winoMinPieces && groups == 1 {
		// A piece of dU lives and dies in one core's L2 cache.
		w.n = g.tiles
		w.transform()
		parallel.ForWith(w.pieces, w, (*winoGradGroup).whole)
		return
	}
	w.cuts = 1
	if w.pieces < winoMinPieces {
		w.cuts = winoPoints / winoGradXi
	}
	w.du = ground.GetScratch(w.pieces * piece)
	defer ground.PutScratch(w.du)
	for ; w.t0 < g.tiles; w.t0 += size {
		w.n = min(size, g.tiles-w.t0)
		w.transform()
		parallel.ForWith(w.pieces*w.cuts, w, (*winoGradGroup).cut)
	}
	parallel.ForWith(w.pieces, w, func(w *winoGradGroup, i int) { w.finish(i, w.piece(i)) })
}

// winoGradGroup is a staged gradient under way: the n tiles from t0 on.
type winoGradGroup struct {
	winoFilterGrads
	b      winoGradTiles
	t0, n  int
	pieces int
	cuts   int       // each piece is cut by xi into so many
	du     []float32 // [pieces][36][64][NR]
}

// transform fills b.
func (w *winoGradGroup) transform() {
	parallel.ChunksWith(w.n, winoGradSome, *w, func(w *winoGradGroup, lo, hi int) {
		w.b.transform(&w.winoFilterGrads, w.t0, lo, hi)
	})
}

// whole computes piece i of dw, all of whose tiles are in b.
func (w *winoGradGroup) whole(i int) {
	g, nr := &w.g, Cols()
	du := ground.GetScratch(winoPoints * winoGradStride())
	c0, cn, p := w.channels(i)
	var ahead winoAhead
	for tap := range 9 {
		rows := w.dw[(tap*g.c+c0)*g.k+p*nr:]
		ahead.add(rows[:min(len(rows), (min(cn, g.c-c0)-1)*g.k+nr)], min(nr, g.k-p*nr), g.k)
	}
	ahead.spread(winoPoints * winoGradTimes(cn))
	w.b.multiply(g, c0, cn, p, 0, winoPoints, 0, g.tiles, false, du, &ahead)
	w.finish(i, du)
	ground.PutScratch(du)
}

// cut adds the group's share to cut j/pieces of piece j%pieces of dU.
func (w *winoGradGroup) cut(j int) {
	cut, i := j/w.pieces, j%w.pieces
	c0, cn, p := w.channels(i)
	var ahead winoAhead
	w.b.multiply(&w.g, c0, cn, p, cut*winoPoints/w.cuts, (cut+1)*winoPoints/w.cuts, w.t0, w.n, w.t0 > 0, w.piece(i), &ahead)
}

// piece is piece i of dU.
func (w *winoGradGroup) piece(i int) []float32 {
	n := winoPoints * winoGradStride()
	return w.du[i*n:][:n]
}

// winoFilterGradPanel computes dg = Gᵀ dU G for n rows of a piece of dU, to
// dst[tap*tapStride + c*row + k].
func winoFilterGradPanel(n int, du, dst []float32, row, tapStride int) {
	nr := Cols()
	for h := 0; h < nr; h += winoLanes {
		winoFilterGrad(n, du[h:], nr, winoGradStride(), dst[h:], row, tapStride)
	}
}

// finish computes dw = Gᵀ dU G for piece i.
func (s *winoFilterGrads) finish(i int, du []float32) {
	g, nr := &s.g, Cols()
	c0, _, p := s.channels(i)
	cn := min(winoGradRows, g.c-c0)
	if k0 := p * nr; k0+nr <= g.k {
		winoFilterGradPanel(cn, du, s.dw[c0*g.k+k0:], g.k, g.c*g.k)
		return
	}
	n := winoGradRows * nr
	t := ground.GetScratch(9 * n)
	winoFilterGradPanel(cn, du, t, nr, n)
	for tap := range 9 {
		s.store(i, tap, t[tap*n:])
	}
	ground.PutScratch(t)
}

// store copies one tap of piece i, [64][NR], to dw.
func (s *winoFilterGrads) store(i, tap int, src []float32) {
	g, nr := &s.g, Cols()
	c0, _, p := s.channels(i)
	k0 := p * nr
	for c := range min(winoGradRows, g.c-c0) {
		copy(s.dw[(tap*g.c+c0+c)*g.k+k0:][:min(nr, g.k-k0)], src[c*nr:])
	}
}
