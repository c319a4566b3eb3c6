package cpu

// The packed layouts of the Winograd domain, and the products on them.
//
//	V (source, form N)   [C/kc chunks][36 xi][panels][kc/16][MR][16]
//	U (filters)          [K/NR panels][C/kc chunks][36 xi][kc][NR]
//	M (products)         [36 xi][tiles][NR], of one panel of filters
//
// A block of tiles is cut into panels of at most MR tiles, evenly, so that no
// panel is nearly empty; the channels into chunks of kc, so that one chunk of U
// (36*kc*NR floats) and the M of a block stay in the L2 cache together. The
// order of V is the order in which the products read it.

// winoXiPad is added to the stride between consecutive xi of V and M. The
// stride would otherwise be a multiple of 4 KB, and the 36 lines that a
// transform touches would all fall into the same set of the L1 cache.
const winoXiPad = 16

// winoRows and winoCols are the register tile of the products at the active
// level. A panel of filters is at least one transform wide.
func winoRows() int { return tileRows() }

func winoCols() int { return max(winoLanes, tileCols()) }

// winoGemmN and winoGemmT run a micro-kernel of the active level on panels
// winoCols wide; see gemmArgs.
func winoGemmN(g *gemmArgs) {
	if tileCols() < winoLanes {
		gemmNGo(winoRows(), winoLanes, g)
		return
	}
	gemmNCall(g)
}

func winoGemmT(g *gemmArgs) {
	if tileCols() < winoLanes {
		gemmTGo(tileRowsT(), winoLanes, g)
		return
	}
	gemmTCall(g)
}

// winoChunk returns kc, the channels of the source that are summed at a time,
// a multiple of 16.
func winoChunk(c, k int) int {
	if winoFused(c, k) {
		return min(roundUp(c, 16), 128)
	}
	return min(roundUp(c, 16), 64)
}

// winoBlock is the layout of V for up to `tiles` tiles of c source channels.
type winoBlock struct {
	tiles  int // tiles in the block
	rows   int // tiles in a panel, the last may have fewer
	panels int
	mr     int // MR: the stride between panels is that of MR rows
	cp     int // channels, rounded up to 16
	kc     int // channels per chunk
}

func newWinoBlock(tiles, c, kc int) winoBlock {
	b := winoBlock{tiles: tiles, mr: winoRows(), cp: roundUp(c, 16), kc: kc}
	b.panels = (tiles + b.mr - 1) / b.mr
	b.rows = (tiles + b.panels - 1) / b.panels
	b.panels = (tiles + b.rows - 1) / b.rows
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

// panelTiles returns how many tiles panel p holds.
func (b *winoBlock) panelTiles(p int) int { return min(b.rows, b.tiles-p*b.rows) }

// transformPanel fills panel p of v with V = Bᵀ d B of tiles t0+p*rows.. of
// the source x [N,H,W,C]. tile is scratch of at least 36*cp floats.
func (b *winoBlock) transformPanel(g *winoGeom, x []float32, t0, p int, v, tile []float32) {
	for r := range b.panelTiles(p) {
		n, ty, tx := g.tile(t0 + p*b.rows + r)
		pic := x[n*g.h*g.w*g.c:][:g.h*g.w*g.c]
		y0, x0 := 4*ty-g.pad, 4*tx-g.pad
		var src []float32
		var row, col int
		if y0 >= 0 && x0 >= 0 && y0+6 <= g.h && x0+6 <= g.w && g.c == b.cp {
			src, row, col = pic[(y0*g.w+x0)*g.c:], g.w*g.c, g.c
		} else {
			gatherTile(tile, 6, 6, b.cp, pic, g.h, g.w, g.c, y0, x0)
			src, row, col = tile, 6*b.cp, b.cp
		}
		for i := range b.chunks() {
			channels, off, stride := b.chunk(i)
			winoInput(channels/winoLanes, src[i*b.kc:], winoLanes, row, col,
				v[off+p*b.mr*channels+r*winoLanes:], b.mr*winoLanes, stride)
		}
	}
}

// multiply computes m = V*U for one panel of filters and all 36 xi.
// u returns chunk i of the panel, [36][channels][NR] with consecutive xi
// stride floats apart.
func (b *winoBlock) multiply(v []float32, u func(i int) (u []float32, stride int), m []float32) {
	nr := winoCols()
	ms := b.mStride()
	args := gemmArgs{ldc: nr, nr: nr}
	for i := range b.chunks() {
		channels, off, stride := b.chunk(i)
		ui, us := u(i)
		args.k = channels / kBlock
		if i > 0 {
			args.flags = gemmAccumulate
		}
		for xi := range winoPoints {
			args.b = &ui[xi*us]
			for p := range b.panels {
				args.mr = b.panelTiles(p)
				args.a = &v[off+xi*stride+p*b.mr*channels]
				args.c = &m[xi*ms+p*b.rows*nr]
				winoGemmN(&args)
			}
		}
	}
}

// mStride is the distance between consecutive xi of M.
func (b *winoBlock) mStride() int { return b.tiles*winoCols() + winoXiPad }

// mSize returns the floats of M.
func (b *winoBlock) mSize() int { return winoPoints * b.mStride() }
