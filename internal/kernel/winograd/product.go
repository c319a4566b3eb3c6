package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// The packed layouts of the Winograd domain, and the products on them.
//
//	V (source, form N)   [C/kc chunks][36 xi][panels][kc/16][MR][16]
//	U (filters)          [K/NR panels][C/kc chunks][36 xi][kc][NR]
//	M (products)         [36 xi][tiles][NR], of one panel of filters
//
// A block of tiles is cut by shape, and then evenly into panels of at most MR
// tiles; the channels into chunks of kc. The order of V is the order in which
// the products read it.

const (
	// winoXiPad is added to the stride between consecutive xi of V and M. The
	// stride would otherwise be a multiple of 4 KB, and the 36 lines that a
	// transform touches would all fall into the same set of the L1 cache.
	winoXiPad = 16
	// winoChunk is the most channels that are summed at a time, a multiple of
	// 16: a chunk of a panel of U is 590 KB at most.
	winoChunk = 128
)

// winoRows is the rows of the register tile of the products.
func winoRows() int { return gemm.TileRows() }

// Cols is the columns of that tile: a panel of filters is a whole number of
// transforms wide.
func Cols() int { return ground.RoundUp(gemm.TileCols(), winoLanes) }

// winoGemmT runs a micro-kernel of form T on panels Cols wide.
func winoGemmT(g *gemm.Args) {
	if gemm.TileCols() != Cols() {
		gemm.GemmTGo(gemm.TileRowsT(), Cols(), g)
		return
	}
	gemm.FormT(g)
}

// winoPart is the tiles of one shape in a block.
type winoPart struct {
	shape  winoShape
	t0     int // first tile
	tiles  int
	rows   int // tiles in a panel, the last may have fewer
	panel0 int // first panel, of the block's
	panels int
	at     int // first tile, of the block's
}

// winoBlock is the layout of V and M for a run of tiles.
type winoBlock struct {
	g      *winoGeom
	tiles  int
	part   [winoShapes]winoPart
	parts  int
	panels int
	mr     int // MR: the stride between panels is that of MR rows
	cp     int // channels, rounded up to 16
	kc     int // channels per chunk
}

// newWinoBlock lays out tiles [t0,t1).
func newWinoBlock(g *winoGeom, t0, t1, kc int) winoBlock {
	b := winoBlock{g: g, tiles: t1 - t0, mr: winoRows(), cp: ground.RoundUp(g.c, 16), kc: kc}
	for t := t0; t < t1; {
		s := g.shape(t)
		n := min(t1, g.first[s+1]) - t
		p := winoPart{shape: s, t0: t, tiles: n, panel0: b.panels, at: t - t0}
		p.panels = (n + b.mr - 1) / b.mr
		p.rows = (n + p.panels - 1) / p.panels
		p.panels = (n + p.rows - 1) / p.rows
		b.part[b.parts] = p
		b.parts++
		b.panels += p.panels
		t += n
	}
	return b
}

// chunks returns how many chunks of channels there are.
func (b *winoBlock) chunks() int { return (b.cp + b.kc - 1) / b.kc }

// chunk returns, for chunk i: its channels (a multiple of 16), where it begins
// in V, and the stride between its xi.
func (b *winoBlock) chunk(i int) (channels, off, stride int) {
	channels = min(b.kc, b.cp-i*b.kc)
	return channels, i * winoPoints * b.stride(b.kc), b.stride(channels)
}

func (b *winoBlock) stride(channels int) int { return b.panels*b.mr*channels + winoXiPad }

// size returns the floats of V.
func (b *winoBlock) size() int { return b.chunks() * winoPoints * b.stride(b.kc) }

// panelOf returns the part of panel p, and its number within it.
func (b *winoBlock) panelOf(p int) (*winoPart, int) {
	i := 0
	for p >= b.part[i].panel0+b.part[i].panels {
		i++
	}
	return &b.part[i], p - b.part[i].panel0
}

// panelTiles returns how many tiles panel i of the part holds.
func (p *winoPart) panelTiles(i int) int { return min(p.rows, p.tiles-i*p.rows) }

// transformPanel fills chunks [i0,i1) of panel p of v with V = Bᵀ d B of its
// tiles of the source x [N,H,W,C]. tile is scratch of at least 36*cp floats.
func (b *winoBlock) transformPanel(x []float32, p, i0, i1 int, v, tile []float32) {
	g := b.g
	c0 := i0 * b.kc
	cp := min(b.cp, i1*b.kc) - c0 // channels to transform, filled up,
	cn := min(cp, g.c-c0)         // and those that there are
	part, at := b.panelOf(p)
	rows, cols := part.shape.rows()+2, part.shape.cols()+2
	for r := range part.panelTiles(at) {
		n, y0, x0 := g.tile(part.shape, part.t0+at*part.rows+r)
		pic := x[n*g.h*g.w*g.c:][:g.h*g.w*g.c]
		y0, x0 = y0-g.pad, x0-g.pad
		src, row, col := tile, cols*cp, cp
		if y0 >= 0 && x0 >= 0 && y0+rows <= g.h && x0+cols <= g.w && cn == cp {
			src, row, col = pic[(y0*g.w+x0)*g.c+c0:], g.w*g.c, g.c
		} else {
			gatherTile(tile, rows, cols, cp, pic[c0:], g.h, g.w, g.c, cn, y0, x0)
		}
		for i := i0; i < i1; i++ {
			channels, off, stride := b.chunk(i)
			winoInput(part.shape, channels/winoLanes, src[i*b.kc-c0:], winoLanes, row, col,
				v[off+p*b.mr*channels+r*winoLanes:], b.mr*winoLanes, stride)
		}
	}
}

// multiply computes m = V*U for one panel of filters and all xi.
// u returns chunk i of the panel, [36][channels][NR] with consecutive xi
// stride floats apart.
func (b *winoBlock) multiply(v []float32, u func(i int) (u []float32, stride int), m []float32, ahead *winoAhead) {
	nr := Cols()
	ms := b.mStride()
	for i := range b.chunks() {
		channels, off, stride := b.chunk(i)
		ui, us := u(i)
		for xi := range winoPoints {
			for s := range b.parts {
				part := &b.part[s]
				if !part.shape.uses(xi) {
					continue
				}
				for p := range part.panels {
					ahead.step()
					winoProduct(channels/gemm.KBlock,
						&v[off+xi*stride+(part.panel0+p)*b.mr*channels],
						&ui[xi*us],
						&m[xi*ms+(part.at+p*part.rows)*nr],
						part.panelTiles(p), i > 0)
				}
			}
		}
	}
}

// mStride is the distance between consecutive xi of M.
func (b *winoBlock) mStride() int { return b.tiles*Cols() + winoXiPad }

// mSize returns the floats of M.
func (b *winoBlock) mSize() int { return winoPoints * b.mStride() }
