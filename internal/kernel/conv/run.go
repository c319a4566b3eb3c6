package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// epilogue is what happens to a finished value of the output before it is
// stored: y = relu?(value + bias + residual); and then, a tile at a time, to the
// stored ones: y = after(y).
type epilogue struct {
	bias     []float32 // filled up to whole panels, or nil
	residual []float32 // dense [n,oh,ow,cols], or nil; may be the output itself
	relu     bool
	after    elementwise.Activation
}

// run computes the product with the packed panels bp of kBlocks()*16 steps. ep
// may be nil.
func (g *igemm) run(bp []float32, ep *epilogue) {
	if g.relu == nil && g.stemFits() {
		g.runStem(bp, ep)
		return
	}
	if g.vectors() {
		g.runVectors(bp, ep)
		return
	}
	r := igemmRun{igemm: *g, bp: bp}
	if ep != nil {
		r.ep = *ep
	}
	rows := g.n * g.oh * g.ow
	r.tiled = rows
	if rest := rows % gemm.TileRows(); g.lastVectors(rest) {
		r.tiled -= rest
	}
	rows = r.tiled
	rowPanels, colPanels := ground.CeilDiv(rows, gemm.TileRows()), ground.CeilDiv(g.cols, gemm.TileCols())
	if g.relu == nil {
		r.cut = gemm.CutForThreads(rowPanels, colPanels, g.kBlocks())
		r.nonTemporal = r.ep.after == elementwise.Identity && g.storesNonTemporal() && r.cut.KC == g.kBlocks()
	} else {
		r.cut = gemm.CutWholeRows(rowPanels, colPanels, g.kBlocks())
		r.back = g.relu.Begin(ground.CeilDiv(rows, r.cut.RowPanels*gemm.TileRows()), g.cols, r.ep.residual)
	}
	r.groups = 1
	if g.relu == nil && r.packsOnce(rowPanels, colPanels) {
		r.groups = parallel.Threads()
		r.packed = ground.GetScratch(rowPanels * gemm.TileRows() * g.kBlocks() * gemm.KBlock)
		defer ground.PutScratch(r.packed)
		parallel.ForWith(rowPanels, r, (*igemmRun).pack)
	}
	pieces := ground.CeilDiv(rows, r.cut.RowPanels*gemm.TileRows()*r.cut.Blocks) * ground.CeilDiv(colPanels, r.cut.ColPanels)
	parallel.ForWith(pieces, r, (*igemmRun).piece)
	if g.relu != nil {
		r.back.End()
	}
}

// igemmRun is a run under way.
type igemmRun struct {
	igemm
	tiled       int // rows that are computed in tiles; the few after them are vectors
	bp          []float32
	ep          epilogue
	cut         gemm.Blocking
	nonTemporal bool
	packed      []float32                  // all A panels, for each cut of k one after the other, or nil: each piece packs its own
	groups      int                        // of rows, in each of which pieces of columns follow each other
	back        elementwise.ReLUGradBlocks // when relu is set
}

// packedFloats bounds the A that is packed once, for all pieces: it stays in the third
// level cache.
const packedFloats = 512 << 10

// packsOnce reports whether A is packed before the pieces are computed, of which several
// read the same rows: else each of them would pack these again.
func (r *igemmRun) packsOnce(rowPanels, colPanels int) bool {
	return r.cut.ColPanels < colPanels && rowPanels > 1 && !r.inPlace() &&
		rowPanels*gemm.TileRows()*r.kBlocks()*gemm.KBlock <= packedFloats
}

// pack packs panel i of A.
func (r *igemmRun) pack(i int) {
	mr, kBlocks := gemm.TileRows(), r.kBlocks()
	var row []float32
	if r.flat {
		row = ground.GetScratch(kBlocks * gemm.KBlock)
		defer ground.PutScratch(row)
	}
	for kb0 := 0; kb0 < kBlocks; kb0 += r.cut.KC {
		u, kb1 := r.seek(i*mr), min(kBlocks, kb0+r.cut.KC)
		r.gather(r.packed[packedAt(r.tiled, i*mr, kb0, kb1):], gemm.KBlock, mr*gemm.KBlock, &u, min(mr, r.tiled-i*mr), kb0, kb1, row)
	}
}

// packedAt is where in the packed rows the panel is that begins with a row, for blocks [kb0,kb1) of k.
func packedAt(rows, row, kb0, kb1 int) int {
	return (ground.RoundUp(rows, gemm.TileRows())*kb0 + row*(kb1-kb0)) * gemm.KBlock
}

// place returns which piece of rows and of columns comes as the i-th. Rows are in groups, one for each thread: within a
// group all its pieces of rows come with a piece of columns before the next one does, so that the thread
// reads every panel of B once, and its rows, which are packed, from its own caches. In one group columns come first.
func (r *igemmRun) place(i, rows, cols int) (row, col int) {
	if r.groups == 1 {
		return i / cols, i % cols
	}
	k := i * r.groups / (rows * cols)
	for (k+1)*rows/r.groups*cols <= i {
		k++
	}
	for k*rows/r.groups*cols > i {
		k--
	}
	first := k * rows / r.groups
	n := (k+1)*rows/r.groups - first
	i -= first * cols
	return first + i%n, i / n
}

// piece computes piece i of the product.
func (r *igemmRun) piece(i int) {
	colPanels := ground.CeilDiv(r.cols, gemm.TileCols())
	colPieces := ground.CeilDiv(colPanels, r.cut.ColPanels)
	step := r.cut.RowPanels * gemm.TileRows()
	rowPieces := ground.CeilDiv(r.tiled, step*r.cut.Blocks)
	row, col := r.place(i, rowPieces, colPieces)
	first := row * step * r.cut.Blocks
	end := min(r.tiled, first+step*r.cut.Blocks)
	j0 := col * r.cut.ColPanels
	b := igemmBlock{igemm: &r.igemm, ep: &r.ep, bp: r.bp, kc: r.cut.KC, j0: j0, j1: min(colPanels, j0+r.cut.ColPanels), nonTemporal: r.nonTemporal}
	b.once = end-first <= step
	// What another worker takes does not matter to the result, only to how
	// useful the guess is.
	_, next := r.place((i+1)%(rowPieces*colPieces), rowPieces, colPieces)
	b.next = next * r.cut.ColPanels
	b.rows = r.tiled
	if b.packed = r.packed; b.packed == nil {
		b.a = ground.GetScratch(step * r.cut.KC * gemm.KBlock)
		defer ground.PutScratch(b.a)
	}
	if r.flat && b.packed == nil {
		b.row = ground.GetScratch(r.kBlocks() * gemm.KBlock)
		defer ground.PutScratch(b.row)
	}
	if r.relu != nil {
		b.dst = ground.GetScratch(step * r.cols)
		defer ground.PutScratch(b.dst)
	}
	for at := first; at < end; at += step {
		b.compute(at, min(end, at+step), min(end, at+2*step))
		if r.relu != nil {
			r.back.Take(at/step, at, b.r1-b.r0, b.dst)
		}
	}
	if all := r.n * r.oh * r.ow; end == r.tiled && end < all {
		v := vectorRun{igemm: r.igemm, bp: r.bp, ep: r.ep, kc: r.cut.KC}
		for j := b.j0; j < b.j1; j += gemm.VectorPanels {
			v.compute(j, min(gemm.VectorPanels, b.j1-j), end, all)
		}
	}
	if r.nonTemporal {
		ground.StoreFence()
	}
}

// tileRows is how many rows the tiles of so many rows compute: of the last one half, which kernels do in half the
// time, where that is enough.
func tileRows(rows int) int { return ground.RoundUp(rows, gemm.TileRows()/2) }

// activateRows is how many rows of some columns activations are applied to at once.
const activateRows = 48

// igemmBlock is the work of one goroutine on a piece of an igemm: blocks of
// rows, one after another, of the column panels [j0,j1).
type igemmBlock struct {
	*igemm
	ep          *epilogue
	bp          []float32
	kc          int // blocks of k packed at a time
	j0, j1      int
	nonTemporal bool
	once        bool // the piece has one block of rows, so that it reads its panels of B once
	next        int  // a column panel that a later piece will begin with

	a, row []float32 // scratch: the packed rows, and one row for the flat layout
	packed []float32 // all A panels of so many rows, if they are packed before
	rows   int

	// The current block: rows [r0,r1), of which tile p starts at
	// dst[offset[p]+column].
	r0, r1 int
	whole  int // how many tiles kernels read where they lie
	dst    []float32
	ldc    int
	offset [gemm.MaxRowPanels]int
}

// compute computes rows [r0,r1), and prefetches the source of rows [r1,soon), or
// the panels of B when each is read for a few rows only and they come from memory.
func (b *igemmBlock) compute(r0, r1, soon int) {
	mr, nr := gemm.TileRows(), gemm.TileCols()
	b.r0, b.r1, b.ldc = r0, r1, b.outPix
	dense := b.dense()
	scatter := !dense && b.ow%mr != 0
	b.whole = 0
	if b.inPlace() {
		b.whole = max(0, min(r1, b.n*b.h*b.w)-r0) / mr
	}
	switch {
	case b.relu != nil:
		for p := range ground.CeilDiv(r1-r0, mr) {
			b.offset[p] = p * mr * b.ldc
		}
	case dense:
		b.dst = b.out
		for p := range ground.CeilDiv(r1-r0, mr) {
			b.offset[p] = (r0 + p*mr) * b.outPix
		}
	case !scatter:
		b.dst = b.out
		for p := range ground.CeilDiv(r1-r0, mr) {
			b.offset[p] = b.outAt(r0 + p*mr)
		}
	default:
		// Where output positions do not follow each other evenly within a tile
		// the block is computed into a buffer and scattered at the end.
		b.ldc = (b.j1 - b.j0) * nr
		b.dst = ground.GetScratch((r1 - r0) * b.ldc)
		defer ground.PutScratch(b.dst)
		defer b.scatter()
		for p := range ground.CeilDiv(r1-r0, mr) {
			b.offset[p] = p*mr*b.ldc - b.j0*nr
		}
	}
	kBlocks := b.kBlocks()
	for kb0 := 0; kb0 < kBlocks; kb0 += b.kc {
		kb1 := min(kBlocks, kb0+b.kc)
		var ahead []float32
		if kb1 == kBlocks {
			ahead = b.sourceOf(r1, soon)
		}
		b.pack(kb0, kb1)
		b.multiply(kb0, kb1, ahead)
	}
}

// pack gathers blocks [kb0,kb1) of k of the block's rows into A panels, but for the
// first tiles if the kernel reads their source itself. A tile at the end of the source is
// packed, because kernels read whole tiles.
func (b *igemmBlock) pack(kb0, kb1 int) {
	mr, panels := gemm.TileRows(), ground.CeilDiv(b.r1-b.r0, gemm.TileRows())
	if b.packed != nil {
		b.a = b.packed[packedAt(b.rows, b.r0, kb0, kb1):]
		return
	}
	if b.whole == panels {
		return
	}
	u := b.seek(b.r0 + b.whole*mr)
	for p := b.whole; p < panels; p++ {
		b.gather(b.a[p*mr*(kb1-kb0)*gemm.KBlock:], gemm.KBlock, mr*gemm.KBlock, &u, min(mr, b.r1-b.r0-p*mr), kb0, kb1, b.row)
	}
}

// multiply adds blocks [kb0,kb1) of k to the block's output. The residual comes
// first, because it may be the output itself, bias and activation last.
func (b *igemmBlock) multiply(kb0, kb1 int, ahead []float32) {
	mr, nr := gemm.TileRows(), gemm.TileCols()
	kBlocks := b.kBlocks()
	first, last := kb0 == 0, kb1 == kBlocks
	flags := 0
	if !first {
		flags |= gemm.Accumulate
	}
	if last && b.ep.relu {
		flags |= gemm.ReLU
	}
	if b.nonTemporal {
		flags |= gemm.NonTemporal
	}
	panels := ground.CeilDiv(b.r1-b.r0, mr)
	for j := b.j0; j < b.j1; j++ {
		if b.once {
			ahead = b.panelAfter(j, kb0, kb1)
		}
		args := gemm.Args{
			LDC: b.ldc, AStride: b.c, Segs: 1, Flags: flags, NR: min(nr, b.cols-j*nr), B: &b.bp[(j*kBlocks+kb0)*gemm.KBlock*nr],
		}
		if last && b.ep.bias != nil {
			args.Bias = &b.ep.bias[j*nr]
		}
		for p := 0; p < panels; {
			// Tiles that lie evenly are one call. What is to be prefetched is cut into
			// equal parts for tiles; those for which none is left are another.
			q, inPlace, rounds, lines := b.run(p, panels), p < b.whole, kb1-kb0, 8
			if inPlace {
				rounds, lines = b.c/3, 3
			}
			if n := len(ahead) / max(1, rounds*lines*mem.Align/4); n > 0 {
				q = min(q, p+n)
			}
			args.Next, args.NextStep, ahead = nextLines(ahead, (q-p)*rounds, lines)
			args.MR = min(q*mr, b.r1-b.r0) - p*mr
			args.C = &b.dst[b.offset[p]+j*nr]
			if first && b.ep.residual != nil {
				args.Res, args.LDR = &b.ep.residual[(b.r0+p*mr)*b.cols+j*nr], b.cols
			}
			if inPlace {
				args.A, args.K = &b.src[(b.r0+p*mr)*b.c], b.c
				gemm.FormD(&args)
			} else {
				args.A, args.K = &b.a[p*mr*(kb1-kb0)*gemm.KBlock], kb1-kb0
				gemm.FormN(&args)
			}
			p = q
		}
		if last {
			b.activate(j*nr, min(nr, b.cols-j*nr))
		}
	}
}

// run returns the end of the tiles from p on that one call of a kernel computes: their
// rows of the output follow each other evenly, and the kernel finds A in the same way.
func (b *igemmBlock) run(p, panels int) int {
	if p < b.whole {
		panels = b.whole
	}
	q, step := p+1, gemm.TileRows()*b.ldc
	for q < panels && b.offset[q] == b.offset[q-1]+step {
		q++
	}
	return q
}

// activate applies the activation that kernels leave to columns [j,j+n) of the block,
// several tiles at once: the call takes as long as a small product. Only outputs whose
// rows follow each other evenly have one.
func (b *igemmBlock) activate(j, n int) {
	if b.ep.after == elementwise.Identity {
		return
	}
	for r := 0; r < b.r1-b.r0; r += activateRows {
		b.ep.after.Tile(b.dst[b.offset[0]+r*b.ldc+j:], min(activateRows, b.r1-b.r0-r), n, b.ldc)
	}
}

// panelAfter returns the part of B that is read after blocks [kb0,kb1) of k of
// column panel j.
func (b *igemmBlock) panelAfter(j, kb0, kb1 int) []float32 {
	kBlocks := b.kBlocks()
	switch {
	case j+1 < b.j1:
		j++
	case kb1 < kBlocks:
		j, kb0, kb1 = b.j0, kb1, min(kBlocks, kb1+b.kc)
	default:
		j, kb0, kb1 = b.next, 0, min(kBlocks, b.kc)
	}
	step := gemm.KBlock * gemm.TileCols()
	return b.bp[(j*kBlocks+kb0)*step : (j*kBlocks+kb1)*step]
}

// scatter copies the block from its buffer to where its rows belong.
func (b *igemmBlock) scatter() {
	first := b.j0 * gemm.TileCols()
	n := min(b.cols, b.j1*gemm.TileCols()) - first
	for r := range b.r1 - b.r0 {
		copy(b.out[b.outAt(b.r0+r)+first:][:n], b.dst[r*b.ldc:])
	}
}

// nextLines cuts what one kernel call prefetches, rounds times lines cache lines,
// from the front of ahead, for the arguments next and nextStep.
func nextLines(ahead []float32, rounds, lines int) (next *float32, step int, rest []float32) {
	const line = mem.Align / 4
	n := rounds * lines * line
	if len(ahead) < n || n == 0 {
		return nil, 0, nil
	}
	return &ahead[0], lines * mem.Align, ahead[n:]
}

// ground.StoresNonTemporal reports whether the output is to be stored that way.
func (g *igemm) storesNonTemporal() bool {
	return g.dense() && ground.StoresNonTemporal(gemm.Table.Active().NonTemporalFloats, g.n*g.oh*g.ow*g.cols, g.out, g.outPix)
}
