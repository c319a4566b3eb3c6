package cpu

import "github.com/whippet-ml/whippet/internal/parallel"

// winoEpilogue says where a convolution's result goes and what is done to it
// on the way: y = relu?(conv + bias + residual). Destination pixel i is
// y[i*yStride:][:k].
type winoEpilogue struct {
	y        []float32
	yStride  int
	bias     []float32 // winoFilters.panels()*NR values, or nil
	residual []float32 // [N,P,Q,K], or nil
	relu     bool
	past     bool // store past the caches
}

// winogradForward computes y [N,OH,OW,K] = conv(x [N,H,W,C], w [3,3,C,K]).
func winogradForward(c Conv, x, w, y []float32) {
	g := winoForwardGeom(c)
	f := winoFilters{w: w, c: c.C, k: c.K, kc: g.kc()}
	winoConvolve(&g, x, &f, &winoEpilogue{y: y, yStride: c.K})
}

// winogradBackwardData computes dx [N,H,W,C] from dy [N,OH,OW,K] and
// w [3,3,C,K], overwriting dx: the convolution of dy with the turned filters.
func winogradBackwardData(c Conv, dy, w, dx []float32) {
	g := winoDataGeom(c)
	f := winoFilters{w: w, c: c.K, k: c.C, kc: g.kc(), turned: true}
	winoConvolve(&g, dy, &f, &winoEpilogue{y: dx, yStride: c.C})
}

// winoFused reports whether a layer of c source and k destination channels
// uses the fused schedule.
//
// Fused: a piece of work is a small block of tiles, whose V and M stay in the
// L2 cache of one core from the first transform to the last; all of U passes
// by for each. It wins while U is small. Staged: V of a large group of tiles is
// computed by all cores and kept in the L3 cache, then a piece is a block of
// tiles and one panel of filters, and U is transformed where it is used: a
// panel costs less to transform again than to fetch from memory.
func winoFused(c, k int) bool { return roundUp(c, 16)*roundUp(k, 16) <= 128*128 }

const (
	winoFusedFloats = 160 << 10 // V, M, source and destination of a fused block: 640 KB
	winoBlockTiles  = 128       // tiles of a block in the staged schedule
	winoGroupFloats = 3 << 20   // V of a group in the staged schedule: 12 MB
	winoMinPieces   = 16        // pieces to cut a pass into, where it can be

	// winoFewerTiles is the most tiles with which a layer of the staged schedule
	// takes few channels at a time, winoFewerChunk: the time goes to its filters,
	// and their transforms should stay in the L2 cache with everything else.
	winoFewerTiles = 64
	winoFewerChunk = 32
)

// kc returns how many source channels are summed at a time, a multiple of 16.
func (g *winoGeom) kc() int {
	kc := winoChunk
	if g.tiles <= winoFewerTiles && !winoFused(g.c, g.k) {
		kc = winoFewerChunk
	}
	return min(roundUp(g.c, 16), kc)
}

// winoConvolve runs a whole convolution: source x, filters f, epilogue e.
func winoConvolve(g *winoGeom, x []float32, f *winoFilters, e *winoEpilogue) {
	e.past = level != Generic && e.yStride%winoLanes == 0 && storesPast(e.y, g.k, e.residual)
	if winoFused(f.c, f.k) {
		winoConvolveFused(g, x, f, e)
		return
	}
	winoConvolveStaged(g, x, f, e)
}

func winoConvolveFused(g *winoGeom, x []float32, f *winoFilters, e *winoEpilogue) {
	if f.u == nil {
		u := getScratch(f.size())
		defer putScratch(u)
		f.pack(u)
	}
	mr := winoRows()
	size := winoFusedFloats / (winoPoints*(roundUp(f.c, 16)+winoCols()) + 16*(g.c+g.k))
	size = max(mr, size/mr*mr)
	blocks := (g.tiles + size - 1) / size
	if blocks < winoMinPieces {
		// Panels a little less than full are the smaller loss.
		blocks = max(blocks, min(winoMinPieces, g.tiles/(mr-2)))
	}
	parallel.For(blocks, func(i int) {
		t0, t1 := winoCut(g.tiles, blocks, i)
		b := newWinoBlock(g, t0, t1, f.kc)
		v := getScratch(b.size())
		tile := getScratch(winoPoints * max(b.cp, 2*winoCols()))
		m := getScratch(b.mSize())
		for p := range b.panels {
			b.transformPanel(x, p, 0, b.chunks(), v, tile)
		}
		// What another worker takes does not matter to the result, only to how
		// useful the guess is.
		next0, next1 := winoCut(g.tiles, blocks, i+parallel.Threads())
		panels := f.panels()
		for p := range panels {
			var ahead winoAhead
			if p == panels-1 {
				ahead.addSpan(g.sourceSpan(x, next0, next1))
			}
			if p == 0 && !e.past {
				ahead.addSpan(g.destSpan(e.y, e.yStride, t0, t1))
			}
			ahead.spread(winoPoints * b.panels * b.chunks())
			b.multiply(v, func(i int) ([]float32, int) { return f.chunk(p, i, nil) }, m, &ahead)
			b.output(p, m, tile, e)
		}
		putScratch(m)
		putScratch(tile)
		putScratch(v)
	})
}

// winoCut returns part i of n things cut evenly into parts; it is empty when i
// is parts or more.
func winoCut(n, parts, i int) (lo, hi int) {
	return min(i, parts) * n / parts, min(i+1, parts) * n / parts
}

func winoConvolveStaged(g *winoGeom, x []float32, f *winoFilters, e *winoEpilogue) {
	panels := f.panels()
	blocks := (g.tiles + winoBlockTiles - 1) / winoBlockTiles
	// More blocks give more pieces, but each transforms the filters again.
	for blocks*panels < winoMinPieces && g.tiles/(blocks+1) >= 2*winoRows() {
		blocks++
	}
	most, maxPanels := 0, 0
	for i := range blocks {
		t0, t1 := winoCut(g.tiles, blocks, i)
		b := newWinoBlock(g, t0, t1, f.kc)
		most, maxPanels = max(most, b.size()), max(maxPanels, b.panels)
	}
	group := max(1, winoGroupFloats/most) // blocks in a group
	groups := (blocks + group - 1) / group
	group = (blocks + groups - 1) / groups
	v := getScratch(group * most)
	defer putScratch(v)

	for b0 := 0; b0 < blocks; b0 += group {
		nb := min(group, blocks-b0)
		block := func(i int) (b winoBlock, vb []float32) {
			t0, t1 := winoCut(g.tiles, blocks, b0+i)
			return newWinoBlock(g, t0, t1, f.kc), v[i*most:][:most]
		}
		cuts := 1 // pieces of a panel's transforms
		if nb*maxPanels < winoMinPieces {
			cuts = f.chunks()
		}
		parallel.For(nb*maxPanels*cuts, func(i int) {
			cut, i := i%cuts, i/cuts
			b, vb := block(i / maxPanels)
			p := i % maxPanels
			if p >= b.panels {
				return
			}
			tile := getScratch(winoPoints * b.cp)
			b.transformPanel(x, p, cut*b.chunks()/cuts, (cut+1)*b.chunks()/cuts, vb, tile)
			putScratch(tile)
		})
		parallel.For(nb*panels, func(i int) {
			p := i / nb
			b, vb := block(i % nb)
			u := getScratch(f.chunkSize())
			m := getScratch(b.mSize())
			tile := getScratch(winoPoints * 2 * winoCols())
			next := (i + parallel.Threads()) / nb
			var ahead winoAhead
			b.multiply(vb, func(i int) ([]float32, int) {
				ahead.n = 0
				if i+1 < f.chunks() {
					f.ahead(&ahead, p, i+1)
				} else if next != p {
					f.ahead(&ahead, next, 0)
				}
				ahead.spread(winoPoints * b.panels)
				return f.chunk(p, i, u)
			}, m, &ahead)
			b.output(p, m, tile, e)
			putScratch(tile)
			putScratch(m)
			putScratch(u)
		})
	}
}

// output writes the block's tiles of panel p of the destination: y = Aᵀ M A,
// with the epilogue. tile is scratch of 2*16*NR floats.
func (b *winoBlock) output(p int, m, tile []float32, e *winoEpilogue) {
	g, nr := b.g, winoCols()
	k0 := p * nr
	kn := min(nr, g.k-k0)
	ms := b.mStride()
	var bias []float32
	if e.bias != nil {
		bias = e.bias[k0:]
	}
	for t := range b.tiles {
		part := &b.part[0]
		for i := 1; i < b.parts && t >= b.part[i].at; i++ {
			part = &b.part[i]
		}
		n, y0, x0 := g.tile(part.shape, part.t0+t-part.at)
		rows, cols := part.shape.rows(), part.shape.cols()
		at := (n*g.p+y0)*g.q + x0 // first pixel
		src := m[t*nr:]
		if y0+rows <= g.p && x0+cols <= g.q && kn%winoLanes == 0 {
			var res []float32
			if e.residual != nil {
				res = e.residual[at*g.k+k0:]
			}
			if e.past && part.shape == wino44 {
				winoOutputPast(kn/winoLanes, src, winoLanes, ms, e.y[at*e.yStride+k0:], g.q*e.yStride, e.yStride,
					bias, res, g.q*g.k, g.k, e.relu)
				continue
			}
			winoOutput(part.shape, kn/winoLanes, src, winoLanes, ms, e.y[at*e.yStride+k0:], g.q*e.yStride, e.yStride,
				bias, res, g.q*g.k, g.k, e.relu)
			continue
		}
		// A tile that sticks out of the map is computed whole, beside it.
		rows, cols = min(rows, g.p-y0), min(cols, g.q-x0)
		out, res := tile[:16*nr], []float32(nil)
		if e.residual != nil {
			res = tile[16*nr:][:16*nr]
			gatherPanel(res, nr, e.residual[at*g.k+k0:], rows, cols, g.q*g.k, g.k, kn)
		}
		winoOutput(part.shape, nr/winoLanes, src, winoLanes, ms, out, 4*nr, nr, bias, res, 4*nr, nr, e.relu)
		for i := range rows {
			for j := range cols {
				copy(e.y[(at+i*g.q+j)*e.yStride+k0:][:kn], out[(4*i+j)*nr:])
			}
		}
	}
	fence(e.past)
}

// gatherPanel copies the rows x cols pixels that exist of a 4x4 tile, kn
// channels each, to dst [4][4][nr]; the rest of dst is zero.
func gatherPanel(dst []float32, nr int, src []float32, rows, cols, row, col, kn int) {
	clear(dst)
	for i := range rows {
		for j := range cols {
			copy(dst[(4*i+j)*nr:][:kn], src[i*row+j*col:])
		}
	}
}
