package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/strip"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Grouped is a 3×3 convolution at stride 1 whose channels are in groups, or its data gradient: Dst channels of a
// result are sums over the Src channels of the source that belong to the same group. Per groups at a time are
// computed as one block, with zeros between them.
//
// A piece of work is some tiles of all the channels of some blocks. Its source is copied into a strip with the
// padding around it; what is made of that, V and the products M, is laid out as [36][tiles][channels], so that the
// transforms go over all channels sixteen at a time wherever groups end. The products of a block are form D of the
// matrix product, whose rows are tiles: a group is seldom a multiple of 16 channels wide, as form N would have it.
type Grouped struct {
	N, H, W int // pictures, and the size of the source's maps
	P, Q    int // the result's size

	Top, Left             int // padding
	Groups, Per, Src, Dst int

	// Panels are the filters as the direct sum has them, PanelsLen floats for each block: for each panel of
	// gemm.TileCols() columns [3,3,Per*Src] rows of it. The last block may have fewer groups, and rows then.
	Panels    []float32
	PanelsLen int

	X       []float32 // [N,H,W,Groups*Src]
	Y       []float32 // pixels of Groups*Dst channels, YStride floats apart
	YStride int

	Bias  []float32 // [Groups*Dst], or nil
	ReLU  bool
	After elementwise.Activation
	Add   bool // to what Y holds; it goes with neither of the above
}

const (
	groupedMost    = 128       // channels of a block: the filters of more do not stay in any cache near
	groupedFilters = 64 << 10  // transformed filters of a piece: 256 KB, which stay in the L2 cache from piece to piece
	groupedFloats  = 128 << 10 // V and M of a piece: 512 KB
	groupedTiles   = 28        // tiles of a piece that fill the register tiles of the products well enough
	groupedPieces  = 8         // pieces to cut a pass into by blocks, where it can be,
	groupedBands   = 16        // and by rows of tiles too, where blocks are fewer: that transforms filters again
)

func (c *Grouped) blocks() int { return ground.CeilDiv(c.Groups, c.Per) }

// of returns how many groups block b has.
func (c *Grouped) of(b int) int { return min(c.Per, c.Groups-b*c.Per) }

// GroupedWins reports whether c is expected to be faster this way than as the direct sum, and Winograd is on. It
// depends on the shape of a picture and the instruction set alone, and so do the bits of the results: a picture's
// are the same in any batch. The maps must be made of whole tiles of 4 and 3; c needs neither filters nor data.
func GroupedWins(c *Grouped) bool {
	if !winogradOn.Load() || gemm.TileCols() != Cols() || min(c.Groups, c.Per)*min(c.Src, c.Dst) < winoLanes {
		return false
	}
	if c.Per*max(c.Src, c.Dst) > groupedMost {
		return false
	}
	g := c.tiling()
	if 4*g.th-c.P > g.th || 4*g.tw-c.Q > g.tw || c.of(c.blocks()-1)*min(c.Src, c.Dst) < winoLanes {
		return false
	}
	// The costs are those of convolutions without groups, of one picture, but that channels are padded alike in both ways.
	g.tiles = g.th * g.tw
	g.number()
	products := 0
	for s := range winoShape(winoShapes) {
		products += (g.first[s+1] - g.first[s]) * (s.rows() + 2) * (s.cols() + 2)
	}
	transforms := float64(float64(g.tiles) * winoTileCost * (1/float64(c.Per*c.Src) + 1/float64(c.Per*c.Dst)))
	return float64(products)+transforms+winoFilterCost < float64(winoMargin*float64(9*c.P*c.Q))
}

// tiling is how one picture is cut into tiles.
func (c *Grouped) tiling() winoGeom {
	g := winoGeom{n: 1, h: c.H, w: c.W, p: c.P, q: c.Q}
	g.th, g.tw = ground.CeilDiv(c.P, 4), ground.CeilDiv(c.Q, 4)
	g.r3, g.c3 = 4*g.th-c.P, 4*g.tw-c.Q
	return g
}

// groupedRun is a Grouped under way. Pieces of the same blocks follow each other, so that a thread seldom has to transform
// filters that it has transformed before.
type groupedRun struct {
	Grouped
	whole    winoGeom // the tiles of a picture
	pictures int      // of a piece, more than one only where it has all rows
	rows     int      // of tiles in a piece
	bands    int      // pieces that the rows are cut into
	runs     int      // and the pictures
	chunks   int      // and the blocks

	// Of a thread's workspace, u begins with a line that holds the number of the chunk whose filters follow, or -1,
	// and tile has the strip, and then a tile on its way to y.
	work workspace
}

// Run computes it. GroupedWins must hold.
func (c *Grouped) Run() {
	r := groupedRun{Grouped: *c, whole: c.tiling()}
	r.cut()
	r.allot()
	defer r.work.free()
	parallel.ForOn(r.chunks*r.runs*r.bands, r.work.threads, r, (*groupedRun).piece)
}

// cut divides the work.
func (r *groupedRun) cut() {
	blocks := r.blocks()
	most := max(1, min(blocks, groupedFilters/r.filtersLen())) // blocks of a piece
	perTile := winoPoints * most * r.Per * (r.Src + r.Dst)     // floats of V and M
	tiles := max(1, groupedFloats/perTile)                     // of a piece, at most
	r.rows = max(1, min(r.whole.th, tiles/r.whole.tw))
	r.bands = ground.CeilDiv(r.whole.th, r.rows)
	if r.N*blocks < groupedPieces {
		r.bands = max(r.bands, min(r.whole.th, ground.CeilDiv(groupedBands, r.N*blocks)))
	}
	r.rows = ground.CeilDiv(r.whole.th, r.bands)
	r.bands = ground.CeilDiv(r.whole.th, r.rows)
	r.pictures = 1
	if whole := r.whole.th * r.whole.tw; r.bands == 1 {
		r.pictures = max(1, min(ground.CeilDiv(groupedTiles, whole), tiles/whole, r.N*blocks/groupedPieces))
	}
	r.runs = ground.CeilDiv(r.N, r.pictures)
	r.pictures = ground.CeilDiv(r.N, r.runs) // of about the same size
	r.runs = ground.CeilDiv(r.N, r.pictures)
	r.chunks = min(blocks, max(ground.CeilDiv(blocks, most), ground.CeilDiv(groupedPieces, r.runs*r.bands)))
}

// allot gives each thread the workspace of a piece.
func (r *groupedRun) allot() {
	tiles, most := r.rows*r.whole.tw*r.pictures, ground.CeilDiv(r.blocks(), r.chunks)
	src, dst := most*r.Per*r.Src, most*r.Per*r.Dst
	r.work = newWorkspace(
		winoPoints*(tiles*src+winoXiPad)+gemm.MaxTileRows*src,
		winoLanes+most*r.filtersLen(),
		winoPoints*(tiles*dst+winoXiPad),
		max((4*r.rows+2)*(r.Q+2)*src, 16*winoLanes),
	)
	for t := range r.work.threads {
		_, u, _, _ := r.work.of(t)
		u[0] = -1
	}
}

// panels is the number of column panels of a block.
func (c *Grouped) panels() int { return ground.CeilDiv(c.Per*c.Dst, Cols()) }

// stride is the distance between consecutive xi of a panel's filters.
func (c *Grouped) stride() int { return c.Per*c.Src*Cols() + winoXiPad }

// filtersLen returns the floats of a block's transformed filters.
func (c *Grouped) filtersLen() int { return c.panels() * winoPoints * c.stride() }

// filters transforms those of block b: panel after panel [36][channels][NR].
func (c *Grouped) filters(b int, u []float32) {
	nr, rows, width := Cols(), c.of(b)*c.Src, c.of(b)*c.Dst
	for j := range c.panels() {
		panel := c.Panels[b*c.PanelsLen+j*9*rows*nr:]
		for h := 0; h < min(nr, width-j*nr); h += winoLanes {
			winoFilter(rows, panel[h:], nr, rows*nr, u[j*winoPoints*c.stride()+h:], nr, c.stride())
		}
	}
}

// piece computes some rows of tiles of some pictures for a run of blocks.
func (r *groupedRun) piece(i, thread int) {
	ty := i % r.bands * r.rows
	n0 := i / r.bands % r.runs * r.pictures
	chunk := i / r.bands / r.runs
	b0, b1 := Cut(r.blocks(), r.chunks, chunk)

	// The tiles of the piece, of which those of 3 rows are the picture's last.
	g := r.whole
	four := g.th - g.r3
	top := 4*ty - max(0, ty-four)
	g.th = min(r.rows, g.th-ty)
	g.r3 = min(g.th, max(0, ty+g.th-four))
	g.n = min(r.pictures, r.N-n0)
	g.tiles = g.n * g.th * g.tw
	g.number()

	c0, k0 := b0*r.Per*r.Src, b0*r.Per*r.Dst
	cn, kn := min(r.Groups, b1*r.Per)*r.Src-c0, min(r.Groups, b1*r.Per)*r.Dst-k0
	vs, ms := g.tiles*cn+winoXiPad, g.tiles*kn+winoXiPad
	v, u, m, tile := r.work.of(thread)
	r.transform(&g, n0, top, c0, cn, &strip.Strip{Data: tile, Cols: r.Q + 2, Width: cn}, v, vs)
	holds, u := &u[0], u[winoLanes:]
	for b := b0; b < b1; b++ {
		filters := u[(b-b0)*r.filtersLen():]
		if *holds != float32(chunk) {
			r.filters(b, filters)
		}
		r.multiply(&g, b, v[b*r.Per*r.Src-c0:], vs, cn, filters, m[b*r.Per*r.Dst-k0:], ms, kn)
	}
	*holds = float32(chunk)
	r.output(&g, n0, top, k0, kn, m, ms, tile)
}

// each calls f for every tile of picture n of a piece.
func (g *winoGeom) each(n int, f func(s winoShape, t, y, x int)) {
	for s := range winoShape(winoShapes) {
		per := (g.first[s+1] - g.first[s]) / g.n
		for t := g.first[s] + n*per; t < g.first[s]+(n+1)*per; t++ {
			_, y, x := g.tile(s, t)
			f(s, t, y, x)
		}
	}
}

// transform fills v with V = Bᵀ d B of channels [c0,c0+cn) of the piece's tiles. Where cn is no multiple of 16, the
// last sixteen channels are transformed again in part, with the same results.
func (r *groupedRun) transform(g *winoGeom, n0, top, c0, cn int, x *strip.Strip, v []float32, vs int) {
	rows := 4*g.th - g.r3 + 2
	line, c := x.Cols*cn, r.Groups*r.Src
	for n := range g.n {
		x.Fill(strip.Map{X: r.X[(n0+n)*r.H*r.W*c:], H: r.H, W: r.W, C: c, At: c0}, top-r.Top, -r.Left, 1, rows, x.Cols)
		g.each(n, func(s winoShape, t, y, left int) {
			src, dst := x.Data[y*line+left*cn:], v[t*cn:]
			winoInput(s, cn/winoLanes, src, winoLanes, line, cn, dst, winoLanes, vs)
			if cn%winoLanes != 0 {
				winoInput(s, 1, src[cn-winoLanes:], winoLanes, line, cn, dst[cn-winoLanes:], winoLanes, vs)
			}
		})
	}
}

// multiply computes M = V U of block b.
func (r *groupedRun) multiply(g *winoGeom, b int, v []float32, vs, cn int, u []float32, m []float32, ms, kn int) {
	nr, width := Cols(), r.of(b)*r.Dst
	args := gemm.Args{K: r.of(b) * r.Src, Segs: 1, AStride: cn, LDC: kn}
	for j := range ground.CeilDiv(width, nr) {
		args.NR = min(nr, width-j*nr)
		for xi := range winoPoints {
			lo, hi := g.users(xi)
			if args.MR = hi - lo; args.MR == 0 {
				continue
			}
			args.A, args.B, args.C = &v[xi*vs+lo*cn], &u[(j*winoPoints+xi)*r.stride()], &m[xi*ms+lo*kn+j*nr]
			gemm.FormD(&args)
		}
	}
}

// output writes channels [k0,k0+kn) of the piece's tiles: y = Aᵀ M A, with the epilogue. Where kn is no multiple of
// 16, the last sixteen channels are written again in part, with the same results.
//
// side has room for a tile of sixteen channels.
func (r *groupedRun) output(g *winoGeom, n0, top, k0, kn int, m []float32, ms int, side []float32) {
	line, full := r.Q*r.YStride, kn/winoLanes*winoLanes
	for n := range g.n {
		g.each(n, func(s winoShape, t, y, x int) {
			dst := r.Y[(((n0+n)*r.P+top+y)*r.Q+x)*r.YStride+k0:]
			write := func(k, blocks int) {
				var bias, before []float32
				if r.Bias != nil {
					bias = r.Bias[k0+k:]
				}
				if r.Add {
					before = dst[k:]
				}
				winoOutput(s, blocks, m[t*kn+k:], winoLanes, ms, dst[k:], line, r.YStride, bias, before, line, r.YStride, r.ReLU, false)
			}
			for k := 0; k < full; k += gemm.MaxTileCols {
				write(k, min(gemm.MaxTileCols, full-k)/winoLanes)
			}
			switch last := kn - winoLanes; {
			case full < kn && r.Add:
				winoOutput(s, 1, m[t*kn+last:], winoLanes, ms, side, 4*winoLanes, winoLanes, nil, nil, 0, 0, false, false)
				for i := range s.rows() {
					for j := range s.cols() {
						for k, v := range side[(4*i+j+1)*winoLanes-(kn-full):][:kn-full] {
							dst[i*line+j*r.YStride+full+k] += v
						}
					}
				}
			case full < kn:
				write(last, 1)
			}
			for i := range s.rows() {
				r.After.Tile(dst[i*line:], s.cols(), kn, r.YStride)
			}
		})
	}
}
