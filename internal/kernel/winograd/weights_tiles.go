package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// winoGradTiles holds V and dM of some tiles and channels, packed for products
// that sum over tiles:
//
//	V   (form T)  [36 xi][channels/16][tiles][16]
//	dM  (panels)  [36 xi][panels][tiles][NR]
type winoGradTiles struct {
	c0, cp int // source channels [c0,c0+cp), cp a multiple of 16
	p0     int // first panel of destination channels
	panels int
	tiles  int // room for so many
	v, m   []float32
	vs, ms int // strides between xi
	tile   int // floats of scratch for one tile
}

func newWinoGradTiles(c0, cp, p0, panels, tiles int) winoGradTiles {
	nr := Cols()
	b := winoGradTiles{c0: c0, cp: cp, p0: p0, panels: panels, tiles: tiles}
	b.vs, b.ms = cp*tiles+winoXiPad, panels*nr*tiles+winoXiPad
	b.v, b.m = ground.GetScratch(winoPoints*b.vs), ground.GetScratch(winoPoints*b.ms)
	b.tile = winoPoints * max(cp, panels*nr)
	return b
}

// free gives the scratch back.
func (b *winoGradTiles) free() {
	ground.PutScratch(b.v)
	ground.PutScratch(b.m)
}

// transform fills places lo to hi with the tiles t0+lo to t0+hi of s.
func (b *winoGradTiles) transform(s *winoFilterGrads, t0, lo, hi int) {
	g, nr := &s.g, Cols()
	k0 := b.p0 * nr
	cn, kn := min(b.cp, g.c-b.c0), min(b.panels*nr, g.k-k0)
	kp := ground.RoundUp(kn, winoLanes)
	tile := ground.GetScratch(b.tile)
	for t := lo; t < hi; t++ {
		shape := g.shape(t0 + t)
		rows, cols := shape.rows(), shape.cols()
		n, y0, x0 := g.tile(shape, t0+t)

		pic := s.x[n*g.h*g.w*g.c:][:g.h*g.w*g.c][b.c0:]
		y1, x1 := y0-g.pad, x0-g.pad
		src, row, col := tile, (cols+2)*b.cp, b.cp
		if y1 >= 0 && x1 >= 0 && y1+rows+2 <= g.h && x1+cols+2 <= g.w && cn == b.cp {
			src, row, col = pic[(y1*g.w+x1)*g.c:], g.w*g.c, g.c
		} else {
			gatherTile(tile, rows+2, cols+2, b.cp, pic, g.h, g.w, g.c, cn, y1, x1)
		}
		winoInput(shape, b.cp/winoLanes, src, winoLanes, row, col, b.v[t*winoLanes:], b.tiles*winoLanes, b.vs)

		pic = s.dy[n*g.p*g.q*g.k:][:g.p*g.q*g.k][k0:]
		src, row, col = tile, cols*kp, kp
		if y0+rows <= g.p && x0+cols <= g.q && kn == kp {
			src, row, col = pic[(y0*g.q+x0)*g.k:], g.q*g.k, g.k
		} else {
			gatherTile(tile, rows, cols, kp, pic, g.p, g.q, g.k, kn, y0, x0)
		}
		for p := range b.panels {
			at := p * nr
			winoGrad(shape, min(nr, kp-at)/winoLanes, src[at:], winoLanes, row, col,
				b.m[(p*b.tiles+t)*nr:], winoLanes, b.ms)
		}
	}
	ground.PutScratch(tile)
}

// winoGradTimes is how many tiles of products cn channels are cut into.
func winoGradTimes(cn int) int {
	return cn / gemm.PanelT * ground.CeilDiv(gemm.PanelT, gemm.TileRowsT())
}

// multiply computes, for tiles of geometry g, du[xi] = Vᵀ·dM, or += with accumulate, for source channels
// [c0,c0+cn) and panel p, both counted from the first held here, and xi in
// [xi0,xi1), over the n tiles from t0 on.
func (b *winoGradTiles) multiply(g *winoGeom, c0, cn, p, xi0, xi1, t0, n int, accumulate bool, du []float32, ahead *winoAhead) {
	nr, mr, stride := Cols(), gemm.TileRowsT(), winoGradStride()
	args := gemm.Args{LDC: nr, NR: nr, AStride: gemm.PanelT, BStride: nr}
	for xi := xi0; xi < xi1; xi++ {
		// The tiles that use xi are consecutive.
		lo, hi := g.users(xi)
		lo, hi = max(0, lo-t0), min(n, hi-t0)
		if lo >= hi && !accumulate {
			clear(du[xi*stride:][:cn*nr])
		}
		steps := (hi - lo + winoGradSteps - 1) / winoGradSteps
		steps = (hi - lo + steps - 1) / max(1, steps)
		for t := lo; t < hi; t += steps {
			args.K = min(steps, hi-t)
			args.B = &b.m[xi*b.ms+(p*b.tiles+t)*nr]
			args.Flags = 0
			if accumulate || t > lo {
				args.Flags = gemm.Accumulate
			}
			for c := c0; c < c0+cn; c += gemm.PanelT {
				for h := 0; h < gemm.PanelT; h += mr {
					ahead.step()
					args.MR = min(mr, gemm.PanelT-h)
					args.A = &b.v[xi*b.vs+(c/gemm.PanelT*b.tiles+t)*gemm.PanelT+h]
					args.C = &du[xi*stride+(c-c0+h)*nr]
					winoGemmT(&args)
				}
			}
		}
	}
}
