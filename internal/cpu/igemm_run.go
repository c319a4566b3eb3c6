package cpu

import (
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// epilogue is what happens to a finished value of the output before it is
// stored: y = relu?(value + bias + residual).
type epilogue struct {
	bias     []float32 // filled up to whole panels, or nil
	residual []float32 // dense [n,oh,ow,cols], or nil; may be the output itself
	relu     bool
}

// run computes the product with the packed panels bp of kBlocks()*16 steps. ep
// may be nil.
func (g *igemm) run(bp []float32, ep *epilogue) {
	if g.relu == nil && g.stemFits() {
		g.runStem(bp, ep)
		return
	}
	r := igemmRun{igemm: *g, bp: bp}
	if ep != nil {
		r.ep = *ep
	}
	rows := g.n * g.oh * g.ow
	rowPanels, colPanels := ceilDiv(rows, tileRows()), ceilDiv(g.cols, tileCols())
	if g.relu == nil {
		r.cut = cut(rowPanels, colPanels, g.kBlocks())
		r.nonTemporal = g.storesNonTemporal() && r.cut.kc == g.kBlocks()
	} else {
		r.cut = cutWholeRows(rowPanels, colPanels, g.kBlocks())
		r.back = g.relu.begin(ceilDiv(rows, r.cut.rowPanels*tileRows()), g.cols, r.ep.residual)
	}
	pieces := ceilDiv(rows, r.cut.rowPanels*tileRows()*r.cut.blocks) * ceilDiv(colPanels, r.cut.colPanels)
	parallel.ForWith(pieces, r, (*igemmRun).piece)
	if g.relu != nil {
		r.back.end()
	}
}

// igemmRun is a run under way.
type igemmRun struct {
	igemm
	bp          []float32
	ep          epilogue
	cut         blocking
	nonTemporal bool
	back        reluGradBlocks // when relu is set
}

// piece computes piece i of the product.
func (r *igemmRun) piece(i int) {
	colPanels := ceilDiv(r.cols, tileCols())
	colPieces := ceilDiv(colPanels, r.cut.colPanels)
	step := r.cut.rowPanels * tileRows()
	first := i / colPieces * step * r.cut.blocks
	end := min(r.n*r.oh*r.ow, first+step*r.cut.blocks)
	j0 := i % colPieces * r.cut.colPanels
	b := igemmBlock{igemm: &r.igemm, ep: &r.ep, bp: r.bp, kc: r.cut.kc, j0: j0, j1: min(colPanels, j0+r.cut.colPanels), nonTemporal: r.nonTemporal}
	b.once = end-first <= step
	// What another worker takes does not matter to the result, only to how
	// useful the guess is.
	b.next = (i + parallel.Threads()) % colPieces * r.cut.colPanels
	b.a = getScratch(step * r.cut.kc * kBlock)
	defer putScratch(b.a)
	if r.flat {
		b.row = getScratch(r.kBlocks() * kBlock)
		defer putScratch(b.row)
	}
	if r.relu != nil {
		b.dst = getScratch(step * r.cols)
		defer putScratch(b.dst)
	}
	for at := first; at < end; at += step {
		b.compute(at, min(end, at+step), min(end, at+2*step))
		if r.relu != nil {
			r.back.take(at/step, at, b.r1-b.r0, b.dst)
		}
	}
	if r.nonTemporal {
		storeFence()
	}
}

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

	// The current block: rows [r0,r1), of which tile p starts at
	// dst[offset[p]+column].
	r0, r1 int
	dst    []float32
	ldc    int
	offset [maxRowPanels]int
}

// compute computes rows [r0,r1), and prefetches the source of rows [r1,soon), or
// the panels of B when each is read for a few rows only and they come from memory.
func (b *igemmBlock) compute(r0, r1, soon int) {
	mr, nr := tileRows(), tileCols()
	b.r0, b.r1, b.ldc = r0, r1, b.outPix
	scatter := !b.dense() && b.ow%mr != 0
	switch {
	case b.relu != nil:
		for p := range ceilDiv(r1-r0, mr) {
			b.offset[p] = p * mr * b.ldc
		}
	case !scatter:
		b.dst = b.out
		for p := range ceilDiv(r1-r0, mr) {
			b.offset[p] = b.outAt(r0 + p*mr)
		}
	default:
		// Where output positions do not follow each other evenly within a tile
		// the block is computed into a buffer and scattered at the end.
		b.ldc = (b.j1 - b.j0) * nr
		b.dst = getScratch((r1 - r0) * b.ldc)
		defer putScratch(b.dst)
		defer b.scatter()
		for p := range ceilDiv(r1-r0, mr) {
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

// readsInPlace reports whether the kernel reads the source of tile p itself. A
// tile at the end of the source is packed, because kernels read whole tiles.
func (b *igemmBlock) readsInPlace(p int) bool {
	return b.inPlace() && b.r0+(p+1)*tileRows() <= b.n*b.h*b.w
}

// pack gathers blocks [kb0,kb1) of k of the block's rows into A panels.
func (b *igemmBlock) pack(kb0, kb1 int) {
	mr := tileRows()
	u := b.seek(b.r0)
	for p := range ceilDiv(b.r1-b.r0, mr) {
		if b.readsInPlace(p) {
			u = b.seek(b.r0 + (p+1)*mr)
			continue
		}
		b.gather(b.a[p*mr*(kb1-kb0)*kBlock:], kBlock, mr*kBlock, &u, min(mr, b.r1-b.r0-p*mr), kb0, kb1, b.row)
	}
}

// multiply adds blocks [kb0,kb1) of k to the block's output. The residual comes
// first, because it may be the output itself, bias and relu last.
func (b *igemmBlock) multiply(kb0, kb1 int, ahead []float32) {
	mr, nr := tileRows(), tileCols()
	kBlocks := b.kBlocks()
	first, last := kb0 == 0, kb1 == kBlocks
	args := gemmArgs{ldc: b.ldc, as: b.c, segs: 1}
	if !first {
		args.flags |= gemmAccumulate
	}
	if last && b.ep.relu {
		args.flags |= gemmReLU
	}
	if b.nonTemporal {
		args.flags |= gemmNonTemporal
	}
	for j := b.j0; j < b.j1; j++ {
		if b.once {
			ahead = b.panelAfter(j, kb0, kb1)
		}
		args.nr = min(nr, b.cols-j*nr)
		args.b = &b.bp[(j*kBlocks+kb0)*kBlock*nr]
		if last && b.ep.bias != nil {
			args.bias = &b.ep.bias[j*nr]
		}
		for p := range ceilDiv(b.r1-b.r0, mr) {
			args.mr = min(mr, b.r1-b.r0-p*mr)
			args.c = &b.dst[b.offset[p]+j*nr]
			if first && b.ep.residual != nil {
				args.res, args.ldr = &b.ep.residual[(b.r0+p*mr)*b.cols+j*nr], b.cols
			}
			if b.readsInPlace(p) {
				args.a, args.k = &b.src[(b.r0+p*mr)*b.c], b.c
				args.next, args.nextStep, ahead = nextLines(ahead, args.k/3, 3)
				gemmD(&args)
				continue
			}
			args.a, args.k = &b.a[p*mr*(kb1-kb0)*kBlock], kb1-kb0
			args.next, args.nextStep, ahead = nextLines(ahead, args.k, 8)
			gemmN(&args)
		}
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
	step := kBlock * tileCols()
	return b.bp[(j*kBlocks+kb0)*step : (j*kBlocks+kb1)*step]
}

// scatter copies the block from its buffer to where its rows belong.
func (b *igemmBlock) scatter() {
	first := b.j0 * tileCols()
	n := min(b.cols, b.j1*tileCols()) - first
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

// storesNonTemporal reports whether the output is to be stored that way.
func (g *igemm) storesNonTemporal() bool {
	return g.dense() && storesNonTemporal(gemmTable.Active().NonTemporalFloats, g.n*g.oh*g.ow*g.cols, g.out, g.outPix)
}
