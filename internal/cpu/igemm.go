package cpu

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/parallel"
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

	// Output position (n, qy, qx) starts at out[n*outN + qy*outRow + qx*outPix].
	out                  []float32
	outN, outRow, outPix int

	flat bool
}

// useFlat says whether rows of c channels waste too much when each pixel is
// filled up to a multiple of 16.
func useFlat(c int) bool {
	return c%kBlock != 0 && ceilDiv(c, kBlock)*kBlock*8 > c*9
}

// kBlocks returns the number of 16-step blocks of a row of A.
func (g *igemm) kBlocks() int {
	if g.flat {
		return ceilDiv(g.ndy*g.ndx*g.c, kBlock)
	}
	return g.ndy * g.ndx * ceilDiv(g.c, kBlock)
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
	if g.flat {
		for r := range n {
			g.gatherFlat(row, *u)
			copyBlocks(&blockCopy{
				dst: &dst[r*rowStep], src: &row[kb0*kBlock], rows: 1, blocks: kb1 - kb0, dstBlock: blockStep * 4,
			})
			g.next(u)
		}
		return
	}
	if g.pointwise() {
		p := (u.n*g.oh+u.qy)*g.ow + u.qx
		g.copyPixels(dst, rowStep, blockStep, p, n, kb0, kb1)
		*u = g.seek(p + n)
		return
	}
	cb := ceilDiv(g.c, kBlock)
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
					lo = min(m, ceilDiv(-x, g.stride))
				}
				if x < g.w {
					hi = min(m, ceilDiv(g.w-x, g.stride))
				}
			}
			if lo >= hi {
				zeroPixels(d, rowStep, blockStep, m, end-kb)
			} else {
				if lo > 0 {
					zeroPixels(d, rowStep, blockStep, lo, end-kb)
				}
				g.copyPixels(d[lo*rowStep:], rowStep, blockStep, (u.n*g.h+y)*g.w+x+lo*g.stride, hi-lo, kb-t*cb, end-t*cb)
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
// pixel p and the others at the grid's stride, filling up the last block.
func (g *igemm) copyPixels(dst []float32, rowStep, blockStep, p, n, b0, b1 int) {
	if whole := min(b1, g.c/kBlock); whole > b0 {
		copyBlocks(&blockCopy{
			dst: &dst[0], src: &g.src[p*g.c+b0*kBlock], rows: n, blocks: whole - b0,
			dstRow: rowStep * 4, dstBlock: blockStep * 4, srcRow: g.stride * g.c * 4,
		})
	}
	if b1*kBlock > g.c {
		b := g.c / kBlock
		for r := range n {
			v := (*[kBlock]float32)(dst[r*rowStep+(b-b0)*blockStep:])
			q := (p + r*g.stride) * g.c
			clear(v[copy(v[:], g.src[q+b*kBlock:q+g.c]):])
		}
	}
}

func zeroPixels(dst []float32, rowStep, blockStep, n, blocks int) {
	copyBlocks(&blockCopy{dst: &dst[0], rows: n, blocks: blocks, dstRow: rowStep * 4, dstBlock: blockStep * 4})
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

// epilogue is what happens to a finished value of the output before it is
// stored: y = relu?(value + bias + residual).
type epilogue struct {
	bias     []float32 // filled up to whole panels, or nil
	residual []float32 // dense [n,oh,ow,cols], or nil
	relu     bool
}

// run computes the product with the packed panels bp of kBlocks()*16 steps.
func (g *igemm) run(bp []float32, ep *epilogue) {
	if g.stemFits() {
		g.runStem(bp, ep)
		return
	}
	mr, nr := tileRows(), tileCols()
	rows := g.n * g.oh * g.ow
	rowPanels, colPanels := ceilDiv(rows, mr), ceilDiv(g.cols, nr)
	cut := cut(rowPanels, colPanels, g.kBlocks())
	colPieces := ceilDiv(colPanels, cut.colPanels)
	step := cut.rowPanels * cut.blocks * mr
	parallel.For(ceilDiv(rows, step)*colPieces, func(i int) {
		r0 := i / colPieces * step
		j0 := i % colPieces * cut.colPanels
		g.piece(bp, ep, cut, r0, min(rows, r0+step), j0, min(colPanels, j0+cut.colPanels))
	})
}

// piece computes rows [r0,r1) of column panels [j0,j1), an A block at a time.
func (g *igemm) piece(bp []float32, ep *epilogue, cut blocking, r0, r1, j0, j1 int) {
	step := cut.rowPanels * tileRows()
	a := getScratch(step * cut.kc * kBlock)
	defer putScratch(a)
	var row []float32
	if g.flat {
		row = getScratch(g.kBlocks() * kBlock)
		defer putScratch(row)
	}
	stream := g.streams() && cut.kc == g.kBlocks()
	for r := r0; r < r1; r += step {
		g.block(bp, ep, cut, a, row, r, min(r1, r+step), j0, j1, min(r1, r+2*step), stream)
	}
	if stream {
		storeFence()
	}
}

// block computes rows [r0,r1) of column panels [j0,j1) with the scratch a for
// the A block. The source of rows [r1,soon) is prefetched meanwhile.
func (g *igemm) block(bp []float32, ep *epilogue, cut blocking, a, row []float32, r0, r1, j0, j1, soon int, stream bool) {
	mr, nr := tileRows(), tileCols()
	kBlocks := g.kBlocks()
	panels := ceilDiv(r1-r0, mr)
	// Where output positions do not follow each other evenly within a tile the
	// block is computed into a buffer and scattered at the end.
	scatter := !g.dense() && g.ow%mr != 0
	c, ldc := g.out, g.outPix
	var offset [maxRowPanels]int // of each row panel in c
	for p := range panels {
		offset[p] = g.outAt(r0 + p*mr)
	}
	if scatter {
		ldc = (j1 - j0) * nr
		c = getScratch((r1 - r0) * ldc)
		defer putScratch(c)
		for p := range panels {
			offset[p] = p*mr*ldc - j0*nr
		}
	}
	inPlace := g.inPlace()
	for kb0 := 0; kb0 < kBlocks; kb0 += cut.kc {
		kb1 := min(kBlocks, kb0+cut.kc)
		u := g.seek(r0)
		for p := range panels {
			if inPlace && r0+(p+1)*mr <= g.n*g.h*g.w {
				continue
			}
			if inPlace {
				u = g.seek(r0 + p*mr)
			}
			g.gather(a[p*mr*(kb1-kb0)*kBlock:], kBlock, mr*kBlock, &u, min(mr, r1-r0-p*mr), kb0, kb1, row)
		}
		args := gemmArgs{ldc: ldc, as: g.c, segs: 1}
		if kb0 > 0 {
			args.flags |= gemmAccumulate
		}
		last := kb1 == kBlocks
		if last && ep != nil && ep.relu {
			args.flags |= gemmReLU
		}
		if stream {
			args.flags |= gemmStream
		}
		var ahead []float32
		if last {
			ahead = g.sourceOf(r1, soon)
		}
		for j := j0; j < j1; j++ {
			args.nr = min(nr, g.cols-j*nr)
			args.b = &bp[(j*kBlocks+kb0)*kBlock*nr]
			if last && ep != nil && ep.bias != nil {
				args.bias = &ep.bias[j*nr]
			}
			for p := range panels {
				args.mr = min(mr, r1-r0-p*mr)
				args.c = &c[offset[p]+j*nr]
				if last && ep != nil && ep.residual != nil {
					args.res = &ep.residual[(r0+p*mr)*g.cols+j*nr]
					args.ldr = g.cols
				}
				if inPlace && r0+(p+1)*mr <= g.n*g.h*g.w {
					args.a = &g.src[(r0+p*mr)*g.c]
					args.k = g.c
					args.next, args.nextStep, ahead = nextLines(ahead, g.c/3, 3)
					gemmDCall(&args)
					continue
				}
				args.a = &a[p*mr*(kb1-kb0)*kBlock]
				args.k = kb1 - kb0
				args.next, args.nextStep, ahead = nextLines(ahead, args.k, 8)
				gemmNCall(&args)
			}
		}
	}
	if scatter {
		u := g.seek(r0)
		n := min(g.cols, j1*nr) - j0*nr
		for r := range r1 - r0 {
			copy(g.out[u.n*g.outN+u.qy*g.outRow+u.qx*g.outPix+j0*nr:][:n], c[r*ldc:])
			g.next(&u)
		}
	}
}

// inPlaceChannels and inPlaceCols bound the products whose rows of A are read
// where they lie: many channels would fall on few sets of the first level
// cache, and with many columns packing costs nothing next to what it saves.
const (
	inPlaceChannels = 384
	inPlaceCols     = 64
)

// inPlace reports whether kernels of form D can read the source itself.
func (g *igemm) inPlace() bool {
	return g.pointwise() && g.c%kBlock == 0 && g.c <= inPlaceChannels && g.cols <= inPlaceCols
}

// nextLines cuts what one kernel call prefetches, rounds times lines cache lines,
// from the front of ahead, for the arguments next and nextStep.
func nextLines(ahead []float32, rounds, lines int) (next *float32, step int, rest []float32) {
	const line = scratchAlign / 4
	n := rounds * lines * line
	if len(ahead) < n || n == 0 {
		return nil, 0, nil
	}
	return &ahead[0], lines * scratchAlign, ahead[n:]
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

// streamBytes is the size from which an output is written past the caches: the
// caches would not keep it until its reader comes.
const streamBytes = 32 << 20

// streams reports whether the output is to be written past the caches.
func (g *igemm) streams() bool {
	return g.n*g.oh*g.ow*g.cols*4 >= streamBytes && g.dense() && g.outPix%kBlock == 0 &&
		uintptr(unsafe.Pointer(&g.out[0]))%scratchAlign == 0
}
