package cpu

import "github.com/whippet-ml/whippet/internal/parallel"

// The gradient of the filters: dw = Gᵀ (Σ_tiles V ⊙ dM) G, with V = Bᵀ x B
// and dM = A dy Aᵀ. In the packed domain it is 36 products dU = Vᵀ·dM that
// sum over tiles:
//
//	V   (form T)  [36 xi][C/16][tiles][16]
//	dM  (panels)  [36 xi][K/NR][tiles][NR]
//	dU            [C/64][K/NR][36 xi][64][NR]
//
// Tiles go by in groups whose V and dM stay in the L3 cache. The groups, and
// the pieces of dU that cores work on, depend on the shape alone, and each
// piece sums its tiles in order: the result does not depend on the threads.

const (
	winoGradFloats = 7 << 19 // V and dM of a group: 14 MB
	winoGradSteps  = 128     // tiles summed in registers at a time: a dM panel stays in the L1 cache
	winoGradRows   = 64      // source channels of a piece
	winoGradXi     = 4       // xi of a piece, when pieces are cut by xi
	winoGradTiles  = 8       // tiles of a piece of the transforms
)

// winoFilterGrads is the state of one filter gradient.
type winoFilterGrads struct {
	g      *winoGeom
	x, dy  []float32
	cp     int // source channels, rounded up to 16
	panels int // panels of destination channels
	tiles  int // tiles in a full group
	v, m   []float32
	vs, ms int // strides between xi
	dw     []float32
}

// stride is the distance between consecutive xi of dU.
func (s *winoFilterGrads) stride() int { return winoGradRows*winoCols() + winoXiPad }

// winogradBackwardWeights computes dw [3,3,C,K] from x [N,H,W,C] and
// dy [N,OH,OW,K], overwriting dw.
func winogradBackwardWeights(c Conv, x, dy, dw []float32) {
	g := winoForwardGeom(c)
	nr := winoCols()
	s := winoFilterGrads{g: &g, x: x, dy: dy, dw: dw, cp: roundUp(c.C, winoLanes), panels: (c.K + nr - 1) / nr}
	s.tiles = max(winoGradTiles, winoGradFloats/(winoPoints*(s.cp+s.panels*nr)))
	groups := (g.tiles + s.tiles - 1) / s.tiles
	s.tiles = (g.tiles + groups - 1) / groups
	s.vs, s.ms = s.cp*s.tiles+winoXiPad, s.panels*nr*s.tiles+winoXiPad
	s.v, s.m = getScratch(winoPoints*s.vs), getScratch(winoPoints*s.ms)
	defer putScratch(s.v)
	defer putScratch(s.m)

	blocks := (s.cp + winoGradRows - 1) / winoGradRows
	pieces := blocks * s.panels
	size := winoPoints * s.stride()
	if pieces >= winoMinPieces && groups == 1 {
		// A piece of dU lives and dies in one core's L2 cache.
		s.transform(0, g.tiles)
		parallel.For(pieces, func(i int) {
			du := getScratch(size)
			s.multiply(i/s.panels, i%s.panels, 0, winoPoints, 0, g.tiles, false, du)
			s.finish(i/s.panels, i%s.panels, du)
			putScratch(du)
		})
		return
	}
	cuts := 1
	if pieces < winoMinPieces {
		cuts = winoPoints / winoGradXi
	}
	du := getScratch(pieces * size)
	defer putScratch(du)
	for t0 := 0; t0 < g.tiles; t0 += s.tiles {
		n := min(s.tiles, g.tiles-t0)
		s.transform(t0, n)
		parallel.For(pieces*cuts, func(i int) {
			cut, i := i/pieces, i%pieces
			s.multiply(i/s.panels, i%s.panels, cut*winoPoints/cuts, (cut+1)*winoPoints/cuts, t0, n, t0 > 0, du[i*size:][:size])
		})
	}
	parallel.For(pieces, func(i int) { s.finish(i/s.panels, i%s.panels, du[i*size:][:size]) })
}

// transform fills v and m with n tiles from t0 on.
func (s *winoFilterGrads) transform(t0, n int) {
	g, nr := s.g, winoCols()
	kp := roundUp(g.k, winoLanes)
	parallel.Chunks(n, winoGradTiles, func(lo, hi int) {
		tile := getScratch(winoPoints * max(s.cp, s.panels*nr))
		for t := lo; t < hi; t++ {
			shape := g.shape(t0 + t)
			rows, cols := shape.rows(), shape.cols()
			b, y0, x0 := g.tile(shape, t0+t)
			pic := s.x[b*g.h*g.w*g.c:][:g.h*g.w*g.c]
			y1, x1 := y0-g.pad, x0-g.pad
			src, row, col := tile, (cols+2)*s.cp, s.cp
			if y1 >= 0 && x1 >= 0 && y1+rows+2 <= g.h && x1+cols+2 <= g.w && g.c == s.cp {
				src, row, col = pic[(y1*g.w+x1)*g.c:], g.w*g.c, g.c
			} else {
				gatherTile(tile, rows+2, cols+2, s.cp, pic, g.h, g.w, g.c, y1, x1)
			}
			winoInput(shape, s.cp/winoLanes, src, winoLanes, row, col, s.v[t*winoLanes:], s.tiles*winoLanes, s.vs)

			pic = s.dy[b*g.p*g.q*g.k:][:g.p*g.q*g.k]
			src, row, col = tile, cols*kp, kp
			if y0+rows <= g.p && x0+cols <= g.q && g.k == kp {
				src, row, col = pic[(y0*g.q+x0)*g.k:], g.q*g.k, g.k
			} else {
				gatherTile(tile, rows, cols, kp, pic, g.p, g.q, g.k, y0, x0)
			}
			for p := range s.panels {
				at := p * nr
				winoGrad(shape, min(nr, kp-at)/winoLanes, src[at:], winoLanes, row, col,
					s.m[p*s.tiles*nr+t*nr:], winoLanes, s.ms)
			}
		}
		putScratch(tile)
	})
}

// multiply computes du[xi] = Vᵀ·dM, or += with accumulate, for block cb of 64
// source channels, panel p, and xi in [xi0,xi1), over the n tiles from t0 on.
func (s *winoFilterGrads) multiply(cb, p, xi0, xi1, t0, n int, accumulate bool, du []float32) {
	nr, mr := winoCols(), tileRowsT()
	c0, c1 := cb*winoGradRows, min(s.cp, (cb+1)*winoGradRows)
	args := gemmArgs{ldc: nr, mr: mr, nr: nr, as: panelT, bs: nr}
	for xi := xi0; xi < xi1; xi++ {
		// The tiles that use xi are consecutive.
		lo, hi := s.g.users(xi)
		lo, hi = max(0, lo-t0), min(n, hi-t0)
		if lo >= hi && !accumulate {
			clear(du[xi*s.stride():][:(c1-c0)*nr])
		}
		for t := lo; t < hi; t += winoGradSteps {
			args.k = min(winoGradSteps, hi-t)
			args.b = &s.m[xi*s.ms+(p*s.tiles+t)*nr]
			args.flags = 0
			if accumulate || t > lo {
				args.flags = gemmAccumulate
			}
			for c := c0; c < c1; c += mr {
				args.a = &s.v[xi*s.vs+(c/panelT*s.tiles+t)*panelT+c%panelT]
				args.c = &du[xi*s.stride()+(c-c0)*nr]
				winoGemmT(&args)
			}
		}
	}
}

// finish computes dw = Gᵀ dU G for block cb of source channels and panel p.
func (s *winoFilterGrads) finish(cb, p int, du []float32) {
	g, nr := s.g, winoCols()
	c0, k0 := cb*winoGradRows, p*nr
	cn, kn := min(winoGradRows, g.c-c0), min(nr, g.k-k0)
	stride := s.stride()
	if kn == nr {
		for h := 0; h < nr; h += winoLanes {
			winoFilterGrad(cn, du[h:], nr, stride, s.dw[c0*g.k+k0+h:], g.k, g.c*g.k)
		}
		return
	}
	tap := winoGradRows * nr
	t := getScratch(9 * tap)
	for h := 0; h < nr; h += winoLanes {
		winoFilterGrad(cn, du[h:], nr, stride, t[h:], nr, tap)
	}
	for i := range 9 {
		for c := range cn {
			copy(s.dw[(i*g.c+c0+c)*g.k+k0:][:kn], t[i*tap+c*nr:])
		}
	}
	putScratch(t)
}
