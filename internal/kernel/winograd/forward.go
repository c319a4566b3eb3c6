package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Epilogue says where a convolution's result goes and what is done to it
// on the way: y = relu?(conv + bias + residual), then y = After(y). Destination pixel i is
// y[i*yStride:][:k].
type Epilogue struct {
	Y           []float32
	YStride     int
	Bias        []float32 // winoFilters.panels()*NR values, or nil
	Residual    []float32 // [N,P,Q,K], or nil
	ReLU        bool
	After       elementwise.Activation // applied to each tile after its last transform
	nonTemporal bool                   // 4x4 tiles are stored that way
}

// Forward computes conv(x [N,H,W,C], w [3,3,C,K]) with epilogue e.
func Forward(c ground.ConvShape, x, w []float32, e Epilogue) {
	g := winoForwardGeom(c)
	f := winoFilters{w: w, c: c.C, k: c.K, kc: g.kc()}
	winoConvolve(&g, x, &f, &e)
}

// BackwardData computes dx [N,H,W,C] from dy [N,OH,OW,K] and
// w [3,3,C,K], the convolution of dy with the turned filters; it overwrites dx,
// or with accumulate adds to it.
func BackwardData(c ground.ConvShape, dy, w, dx []float32, accumulate bool) {
	g := winoDataGeom(c)
	f := winoFilters{w: w, c: c.K, k: c.C, kc: g.kc(), turned: true}
	e := Epilogue{Y: dx, YStride: c.C}
	if accumulate {
		e.Residual = dx
	}
	winoConvolve(&g, dy, &f, &e)
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
func winoFused(c, k int) bool { return ground.RoundUp(c, 16)*ground.RoundUp(k, 16) <= 128*128 }

const (
	winoFusedFloats = 160 << 10 // V, M, source and destination of a fused block: 640 KB
	winoBlockTiles  = 128       // tiles of a block in the staged schedule
	winoGroupFloats = 3 << 20   // V of a group in the staged schedule: 12 MB
	winoMinPieces   = 16        // pieces to cut a pass into, where it can be

	// winoFewerTiles is the most tiles with which a layer of the staged schedule
	// takes few channels at a time, winoFewerChunk: the time goes to its filters,
	// and their transforms should stay in the L2 cache with everything else. A single picture
	// takes more all the same: its products are few, and would be added to memory four times as often. On two cores
	// of Zen 5, with 1 MB of L2 cache each, its maps of 14x14 take 6 to 9 % less time for it.
	winoFewerTiles = 64
	winoFewerChunk = 32
)

// kc returns how many source channels are summed at a time, a multiple of 16.
func (g *winoGeom) kc() int {
	kc := winoChunk
	if g.n > 1 && g.tiles <= winoFewerTiles && !winoFused(g.c, g.k) {
		kc = winoFewerChunk
	}
	return min(ground.RoundUp(g.c, 16), kc)
}

// winoConvolve runs a whole convolution: source x, filters f, epilogue e.
func winoConvolve(g *winoGeom, x []float32, f *winoFilters, e *Epilogue) {
	e.nonTemporal = e.After == elementwise.Identity && e.YStride%winoLanes == 0 && ground.StoresNonTemporal(Table.Active().NonTemporalFloats, len(e.Y), e.Y, g.k, e.Residual)
	if winoFused(f.c, f.k) {
		winoConvolveFused(g, x, f, e)
		return
	}
	winoConvolveStaged(g, x, f, e)
}

func winoConvolveFused(g *winoGeom, x []float32, f *winoFilters, e *Epilogue) {
	if f.u == nil {
		u := ground.GetScratch(f.size())
		defer ground.PutScratch(u)
		f.pack(u)
	}
	mr := winoRows()
	size := winoFusedFloats / (winoPoints*(ground.RoundUp(f.c, 16)+Cols()) + 16*(g.c+g.k))
	size = max(mr, size/mr*mr)
	r := winoRun{g: *g, x: x, f: *f, e: *e}
	r.blocks = (g.tiles + size - 1) / size
	if r.blocks < winoMinPieces {
		// Panels a little less than full are the smaller loss.
		r.blocks = max(r.blocks, min(winoMinPieces, g.tiles/(mr-2)))
	}
	v, m := 0, 0 // floats of a block, at most
	for i := range r.blocks {
		b := r.blockOf(i)
		v, m = max(v, b.size()), max(m, b.mSize())
	}
	r.work = newWorkspace(v, 0, m, r.tileFloats())
	defer r.work.free()
	parallel.ForOn(r.blocks, r.work.threads, r, (*winoRun).fused)
}

// winoRun is a convolution under way. The fields below blocks are the staged
// schedule's.
type winoRun struct {
	g      winoGeom
	x      []float32
	f      winoFilters
	e      Epilogue
	blocks int // the tiles are cut into

	b0, nb    int       // the group under way: blocks [b0,b0+nb)
	most      int       // floats of V of a block, at most
	maxPanels int       // of the tiles of a block
	cuts      int       // pieces of a panel's transforms
	v         []float32 // V of the group, [nb][most]

	work workspace
}

// tileFloats is the workspace of a tile's transforms.
func (r *winoRun) tileFloats() int { return winoPoints * max(ground.RoundUp(r.g.c, 16), 2*Cols()) }

// blockOf returns block i of the tiles.
func (r *winoRun) blockOf(i int) winoBlock {
	t0, t1 := Cut(r.g.tiles, r.blocks, i)
	return newWinoBlock(&r.g, t0, t1, r.f.kc)
}

// fused computes block i, all of it.
func (r *winoRun) fused(i, thread int) {
	g, f, e := &r.g, &r.f, &r.e
	t0, t1 := Cut(g.tiles, r.blocks, i)
	b := r.blockOf(i)
	v, _, m, tile := r.work.of(thread)
	for p := range b.panels {
		b.transformPanel(r.x, p, 0, b.chunks(), v, tile)
	}
	// What another worker takes does not matter to the result, only to how
	// useful the guess is.
	next0, next1 := Cut(g.tiles, r.blocks, i+1)
	panels := f.panels()
	for p := range panels {
		var ahead winoAhead
		if p == panels-1 {
			ahead.addSpan(g.sourceSpan(r.x, next0, next1))
		}
		if p == 0 && !e.nonTemporal {
			ahead.addSpan(g.destSpan(e.Y, e.YStride, t0, t1))
		}
		ahead.spread(winoPoints * b.panels * b.chunks())
		b.multiply(v, func(i int) ([]float32, int) { return f.chunk(p, i, nil) }, m, &ahead)
		b.output(p, m, tile, e)
	}
}

// Cut returns part i of n things cut evenly into parts; it is empty when i
// is parts or more.
func Cut(n, parts, i int) (lo, hi int) {
	return min(i, parts) * n / parts, min(i+1, parts) * n / parts
}

func winoConvolveStaged(g *winoGeom, x []float32, f *winoFilters, e *Epilogue) {
	panels := f.panels()
	r := winoRun{g: *g, x: x, f: *f, e: *e}
	r.blocks = (g.tiles + winoBlockTiles - 1) / winoBlockTiles
	// More blocks give more pieces, but each transforms the filters again.
	for r.blocks*panels < winoMinPieces && g.tiles/(r.blocks+1) >= 2*winoRows() {
		r.blocks++
	}
	m := 0 // floats of the products of a block, at most
	for i := range r.blocks {
		b := r.blockOf(i)
		r.most, r.maxPanels = max(r.most, b.size()), max(r.maxPanels, b.panels)
		m = max(m, b.mSize())
	}
	group := max(1, winoGroupFloats/r.most) // blocks in a group
	groups := (r.blocks + group - 1) / group
	group = (r.blocks + groups - 1) / groups
	r.v = ground.GetScratch(group * r.most)
	defer ground.PutScratch(r.v)
	r.work = newWorkspace(0, f.chunkSize(), m, r.tileFloats())
	defer r.work.free()

	for ; r.b0 < r.blocks; r.b0 += group {
		r.nb = min(group, r.blocks-r.b0)
		r.cuts = 1
		if r.nb*r.maxPanels < winoMinPieces {
			r.cuts = f.chunks()
		}
		parallel.ForOn(r.nb*r.maxPanels*r.cuts, r.work.threads, r, (*winoRun).transform)
		parallel.ForOn(r.nb*panels, r.work.threads, r, (*winoRun).multiply)
	}
}

// block returns block i of the group, and its V.
func (r *winoRun) block(i int) (b winoBlock, v []float32) {
	return r.blockOf(r.b0 + i), r.v[i*r.most:][:r.most]
}

// transform computes cut i%cuts of a panel of V.
func (r *winoRun) transform(i, thread int) {
	cut, i := i%r.cuts, i/r.cuts
	b, v := r.block(i / r.maxPanels)
	p := i % r.maxPanels
	if p >= b.panels {
		return
	}
	_, _, _, tile := r.work.of(thread)
	b.transformPanel(r.x, p, cut*b.chunks()/r.cuts, (cut+1)*b.chunks()/r.cuts, v, tile)
}

// multiply computes panel i/nb of the destination for block i%nb.
func (r *winoRun) multiply(i, thread int) {
	f, p := &r.f, i/r.nb
	b, v := r.block(i % r.nb)
	_, u, m, tile := r.work.of(thread)
	next := (i + 1) / r.nb
	var ahead winoAhead
	b.multiply(v, func(i int) ([]float32, int) {
		ahead.n = 0
		if i+1 < f.chunks() {
			f.ahead(&ahead, p, i+1)
		} else if next != p {
			f.ahead(&ahead, next, 0)
		}
		ahead.spread(winoPoints * b.panels)
		return f.chunk(p, i, u)
	}, m, &ahead)
	b.output(p, m, tile, &r.e)
}

// output writes the block's tiles of panel p of the destination: y = Aᵀ M A,
// with the epilogue. tile is scratch of 2*16*NR floats.
func (b *winoBlock) output(p int, m, tile []float32, e *Epilogue) {
	g, nr := b.g, Cols()
	k0 := p * nr
	kn := min(nr, g.k-k0)
	ms := b.mStride()
	var bias []float32
	if e.Bias != nil {
		bias = e.Bias[k0:]
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
			if e.Residual != nil {
				res = e.Residual[at*g.k+k0:]
			}
			winoOutput(part.shape, kn/winoLanes, src, winoLanes, ms, e.Y[at*e.YStride+k0:], g.q*e.YStride, e.YStride,
				bias, res, g.q*g.k, g.k, e.ReLU, e.nonTemporal)
			for i := range rows {
				e.After.Tile(e.Y[(at+i*g.q)*e.YStride+k0:], cols, kn, e.YStride)
			}
			continue
		}
		// A tile that sticks out of the map is computed whole, beside it.
		rows, cols = min(rows, g.p-y0), min(cols, g.q-x0)
		out, res := tile[:16*nr], []float32(nil)
		if e.Residual != nil {
			res = tile[16*nr:][:16*nr]
			gatherPanel(res, nr, e.Residual[at*g.k+k0:], rows, cols, g.q*g.k, g.k, kn)
		}
		winoOutput(part.shape, nr/winoLanes, src, winoLanes, ms, out, 4*nr, nr, bias, res, 4*nr, nr, e.ReLU, false)
		for i := range rows {
			e.After.Tile(out[4*i*nr:], cols, kn, nr)
			for j := range cols {
				copy(e.Y[(at+i*g.q+j)*e.YStride+k0:][:kn], out[(4*i+j)*nr:])
			}
		}
	}
	if e.nonTemporal {
		ground.StoreFence()
	}
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
