package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// igemm is a convolution seen as a matrix product ("implicit GEMM"): one row of
// A per position of an output grid, gathered from the source on the way into A
// panels, so that the big im2col matrix never exists.
//
// Output position (n, qy, qx) reads the window of ndy x ndx source pixels whose
// first one is (qy*stride+dy0, qx*stride+dx0); pixels outside the source are
// zero. A row's steps are the window's pixels in row-major order, each with its
// channels, in one of two layouts:
//
//   - padded: each pixel's channels are filled up to a multiple of 16;
//   - flat, for few channels: pixels follow each other without gaps, and only
//     the whole row is filled up.
type igemm struct {
	src        []float32 // [n,h,w,c]
	n, h, w, c int
	stride     int
	dy0, dx0   int
	ndy, ndx   int
	oh, ow     int // output grid
	cols       int // columns of B and of the output

	// factors [n,c], when not nil, multiply the source's channels, of each picture. Only where a
	// row is a pixel.
	factors []float32

	// Output position (n, qy, qx) starts at out[n*outN + qy*outRow + qx*outPix].
	out                  []float32
	outN, outRow, outPix int

	flat bool

	// relu, when not nil, takes the output in blocks of whole rows instead of
	// out. Only for dense outputs with outPix = cols, and not for stems.
	relu *elementwise.ReLUGrad
}

// kBlocks returns the number of 16-step blocks of a row of A.
func (g *igemm) kBlocks() int {
	if g.flat {
		return ground.CeilDiv(g.ndy*g.ndx*g.c, gemm.KBlock)
	}
	return g.ndy * g.ndx * ground.CeilDiv(g.c, gemm.KBlock)
}

// dense reports whether output positions follow each other at a constant
// distance across rows and pictures.
func (g *igemm) dense() bool {
	return (g.oh == 1 || g.outRow == g.ow*g.outPix) && (g.n == 1 || g.outN == g.oh*g.ow*g.outPix)
}

// cursor walks over the positions of the output grid.
type cursor struct{ n, qy, qx int }

func (g *igemm) seek(p int) cursor {
	return cursor{n: p / (g.oh * g.ow), qy: p / g.ow % g.oh, qx: p % g.ow}
}

func (g *igemm) next(u *cursor) {
	if u.qx++; u.qx == g.ow {
		u.qx = 0
		if u.qy++; u.qy == g.oh {
			u.qy = 0
			u.n++
		}
	}
}

// gather writes blocks [kb0,kb1) of the rows of A at n positions from u on, and
// moves u past them: block kb of row r goes to
// dst[r*rowStep+(kb-kb0)*blockStep : +16]. row is scratch of kBlocks()*16
// floats, used by the flat layout only.
func (g *igemm) gather(dst []float32, rowStep, blockStep int, u *cursor, n, kb0, kb1 int, row []float32) {
	if g.pointwise() { // a row is a pixel in either layout
		p := (u.n*g.oh+u.qy)*g.ow + u.qx
		end := p + n
		*u = g.seek(end)
		if g.factors == nil {
			g.copyPixels(dst, rowStep, blockStep, p, n, kb0, kb1, nil)
			return
		}
		for size, at := g.oh*g.ow, p; at < end; {
			m := min(end, (at/size+1)*size) - at // pixels of one picture
			g.copyPixels(dst[(at-p)*rowStep:], rowStep, blockStep, at, m, kb0, kb1, g.factors[at/size*g.c:][:g.c])
			at += m
		}
		return
	}
	if g.flat {
		for r := range n {
			g.gatherFlat(row, *u)
			gemm.CopyBlocks(&gemm.BlockCopy{
				Dst: &dst[r*rowStep], Src: &row[kb0*gemm.KBlock], Rows: 1, Blocks: kb1 - kb0, DstBlock: blockStep * 4,
			})
			g.next(u)
		}
		return
	}
	cb := ground.CeilDiv(g.c, gemm.KBlock)
	for r := 0; r < n; {
		m := min(n-r, g.ow-u.qx) // a run of positions along one row of the grid
		for kb := kb0; kb < kb1; {
			t := kb / cb
			end := min(kb1, (t+1)*cb)
			d := dst[r*rowStep+(kb-kb0)*blockStep:]
			y, x := u.qy*g.stride+g.dy0+t/g.ndx, u.qx*g.stride+g.dx0+t%g.ndx
			// Positions [lo,hi) of the run read a pixel inside the source.
			lo, hi := 0, 0
			if uint(y) < uint(g.h) {
				if x < 0 {
					lo = min(m, ground.CeilDiv(-x, g.stride))
				}
				if x < g.w {
					hi = min(m, ground.CeilDiv(g.w-x, g.stride))
				}
			}
			if lo >= hi {
				zeroPixels(d, rowStep, blockStep, m, end-kb)
			} else {
				if lo > 0 {
					zeroPixels(d, rowStep, blockStep, lo, end-kb)
				}
				g.copyPixels(d[lo*rowStep:], rowStep, blockStep, (u.n*g.h+y)*g.w+x+lo*g.stride, hi-lo, kb-t*cb, end-t*cb, nil)
				if hi < m {
					zeroPixels(d[hi*rowStep:], rowStep, blockStep, m-hi, end-kb)
				}
			}
			kb = end
		}
		r += m
		u.qx += m - 1
		g.next(u)
	}
}

// pointwise reports whether position p of the output grid reads exactly pixel p
// of the source.
func (g *igemm) pointwise() bool {
	return g.ndy == 1 && g.ndx == 1 && g.stride == 1 && g.dy0 == 0 && g.dx0 == 0 && g.oh == g.h && g.ow == g.w
}

// copyPixels copies blocks [b0,b1) of the channels of n pixels, the first one
// pixel p and the others at the grid's stride, filling up the last block. factors
// [c], unless nil, multiply them.
func (g *igemm) copyPixels(dst []float32, rowStep, blockStep, p, n, b0, b1 int, factors []float32) {
	if whole := min(b1, g.c/gemm.KBlock); whole > b0 {
		blocks := gemm.BlockCopy{
			Dst: &dst[0], Src: &g.src[p*g.c+b0*gemm.KBlock], Rows: n, Blocks: whole - b0,
			DstRow: rowStep * 4, DstBlock: blockStep * 4, SrcRow: g.stride * g.c * 4,
		}
		if factors != nil {
			blocks.Scale = &factors[b0*gemm.KBlock]
		}
		gemm.CopyBlocks(&blocks)
	}
	if b1*gemm.KBlock > g.c {
		b := g.c / gemm.KBlock
		for r := range n {
			v := (*[gemm.KBlock]float32)(dst[r*rowStep+(b-b0)*blockStep:])
			q := (p + r*g.stride) * g.c
			clear(v[copy(v[:], g.src[q+b*gemm.KBlock:q+g.c]):])
			if factors != nil {
				for i, f := range factors[b*gemm.KBlock:] {
					v[i] *= f
				}
			}
		}
	}
}

func zeroPixels(dst []float32, rowStep, blockStep, n, blocks int) {
	gemm.CopyBlocks(&gemm.BlockCopy{Dst: &dst[0], Rows: n, Blocks: blocks, DstRow: rowStep * 4, DstBlock: blockStep * 4})
}

// gatherFlat writes the whole row of A at position u, without gaps between
// pixels.
func (g *igemm) gatherFlat(row []float32, u cursor) {
	y0, x0 := u.qy*g.stride+g.dy0, u.qx*g.stride+g.dx0
	lo, hi := max(0, -x0), min(g.ndx, g.w-x0) // columns of the window inside the source
	line := g.ndx * g.c
	for ty := range g.ndy {
		d := row[ty*line:][:line]
		y := y0 + ty
		if uint(y) >= uint(g.h) || lo >= hi {
			clear(d)
			continue
		}
		clear(d[:lo*g.c])
		copy(d[lo*g.c:hi*g.c], g.src[((u.n*g.h+y)*g.w+x0+lo)*g.c:])
		clear(d[hi*g.c:])
	}
	clear(row[g.ndy*line:])
}

// outAt returns where output position p starts in out.
func (g *igemm) outAt(p int) int {
	u := g.seek(p)
	return u.n*g.outN + u.qy*g.outRow + u.qx*g.outPix
}

// sourceOf returns the part of the source that rows [r0,r1) read and the rows
// before them have not, roughly: a hint for prefetching.
func (g *igemm) sourceOf(r0, r1 int) []float32 {
	if r0 >= r1 {
		return nil
	}
	where := func(r int) int {
		u := g.seek(r)
		y := min(max(0, u.qy*g.stride+g.dy0+g.ndy-1), g.h-1)
		return ((u.n*g.h+y)*g.w + min(u.qx*g.stride, g.w-1)) * g.c
	}
	lo, hi := where(r0), where(r1-1)+g.c
	if lo >= hi {
		return nil
	}
	return g.src[lo:min(hi, len(g.src))]
}

// inPlaceChannels and inPlaceCols bound the products whose rows of A are read
// where they lie: many channels would fall on few sets of the first level
// cache, and with many columns packing costs nothing next to what it saves. Rows of
// up to inPlaceFew channels are read as fast there as from panels.
const (
	inPlaceChannels = 384
	inPlaceCols     = 64
	inPlaceFew      = 64
)

// inPlace reports whether kernels of form D can read the source itself.
func (g *igemm) inPlace() bool {
	return g.pointwise() && g.factors == nil && (g.c <= inPlaceFew || g.c <= inPlaceChannels && g.cols <= inPlaceCols)
}
