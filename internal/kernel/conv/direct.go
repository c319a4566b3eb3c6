package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// forwardIGEMM returns the forward pass of c as an implicit matrix product that
// writes pixels of y yStride floats apart.
func forwardIGEMM(c Conv, x, y []float32, yStride int) igemm {
	oh, ow := c.Out()
	p := ground.ConvShape(c).Padding()
	return igemm{
		src: x, n: c.N, h: c.H, w: c.W, c: c.C, stride: c.Stride,
		dy0: -p.Top, dx0: -p.Left, ndy: c.KH, ndx: c.KW, oh: oh, ow: ow, cols: c.K,
		out: y, outN: oh * ow * yStride, outRow: ow * yStride, outPix: yStride,
		flat: gemm.UseFlat(c.C),
	}
}

// packForward packs w [KH,KW,C,K] as the B panels of forwardIGEMM.
func packForward(dst []float32, c Conv, w []float32) {
	taps := c.KH * c.KW
	if gemm.UseFlat(c.C) || c.C%gemm.KBlock == 0 {
		gemm.PackB(dst, w, taps*c.C, c.K, ground.CeilDiv(taps*c.C, gemm.KBlock)*gemm.KBlock, false)
		return
	}
	packTaps(dst, filterTaps{w: w, first: 0, row: c.KW, col: 1, cols: c.KW, size: c.C * c.K}, c.C, c.K, taps, false)
}

// filterTaps picks taps of w [KH,KW,C,K] in an order of their own: number t, in
// rows of cols, is tap first + t/cols*row + t%cols*col.
type filterTaps struct {
	w                     []float32
	first, row, col, cols int
	size                  int // C*K
}

func (f *filterTaps) tap(t int) []float32 {
	return f.w[(f.first+t/f.cols*f.row+t%f.cols*f.col)*f.size:][:f.size]
}

// packTaps packs one matrix per tap, each with its k steps filled up to a
// multiple of 16, as B panels in which the taps follow each other. A matrix is
// [k,n], or [n,k] with trans.
func packTaps(dst []float32, f filterTaps, k, n, taps int, trans bool) {
	type args struct {
		dst        []float32
		f          filterTaps
		k, n, taps int
		trans      bool
	}
	parallel.ForWith(ground.CeilDiv(n, gemm.TileCols())*taps, args{dst, f, k, n, taps, trans}, func(a *args, i int) {
		nr, kPad, k := gemm.TileCols(), ground.CeilDiv(a.k, gemm.KBlock)*gemm.KBlock, a.k
		j, t := i/a.taps, i%a.taps
		d := a.dst[i*kPad*nr:][:kPad*nr]
		cols := min(nr, a.n-j*nr)
		if a.trans {
			gemm.PackBPanelT(d, a.f.tap(t)[j*nr*k:], k, k, cols, nr)
		} else {
			gemm.PackBPanel(d, a.f.tap(t)[j*nr:], k, a.n, cols, nr)
		}
		clear(d[k*nr:])
	})
}

// directBackwardData is backwardData without Winograd.
//
// An input pixel (iy, ix) receives from tap (ky, kx) only when (iy+top-ky) and
// (ix+left-kx) are multiples of the stride. So dx falls apart into
// stride*stride phases, by (iy+top) mod stride and (ix+left) mod stride, and
// each is a stride-1 convolution of dy with its own share of the taps: no work
// is spent on inserted zeros.
func directBackwardData(c Conv, dy, w, dx []float32) {
	oh, ow := c.Out()
	s, pad := c.Stride, ground.ConvShape(c).Padding()
	if s > min(c.KH, c.KW) { // some phases have no tap: no output depends on them
		parallel.ChunksWith(len(dx), 1<<16, dx, func(dx *[]float32, lo, hi int) { clear((*dx)[lo:hi]) })
	}
	for fy := range s {
		py := phaseOf(fy, c.KH, s, pad.Top, c.H)
		for fx := range s {
			px := phaseOf(fx, c.KW, s, pad.Left, c.W)
			if py.count == 0 || px.count == 0 || py.taps == 0 || px.taps == 0 {
				continue
			}
			g := igemm{
				src: dy, n: c.N, h: oh, w: ow, c: c.K, stride: 1,
				dy0: py.first, dx0: px.first, ndy: py.taps, ndx: px.taps,
				oh: py.count, ow: px.count, cols: c.C,
				out:  dx[(py.start*c.W+px.start)*c.C:],
				outN: c.H * c.W * c.C, outRow: s * c.W * c.C, outPix: s * c.C,
				flat: gemm.UseFlat(c.K),
			}
			bp := ground.GetScratch(gemm.PackedBLen(g.kBlocks()*gemm.KBlock, c.C))
			packBackward(bp, c, w, py, px)
			g.run(bp, nil)
			ground.PutScratch(bp)
		}
	}
}

// phase is one residue class of input rows (or columns): rows start,
// start+stride, ..., count of them. Row number q of the class is the sum over a
// in [0,taps) of row q+first+a of dy times the tap lastTap-a*stride.
type phase struct{ start, count, first, taps, lastTap int }

// phaseOf describes the rows iy in [0,size) with (iy+pad) mod stride == f, for
// a window of k taps.
func phaseOf(f, k, stride, pad, size int) phase {
	p := phase{}
	if f < k {
		p.taps = ground.CeilDiv(k-f, stride)
	}
	q := ground.CeilDiv(max(0, pad-f), stride) // first (iy+pad-f)/stride with iy >= 0
	p.start = q*stride + f - pad
	if p.start < size {
		p.count = ground.CeilDiv(size-p.start, stride)
	}
	p.first = q - (p.taps - 1)
	p.lastTap = f + stride*(p.taps-1)
	return p
}

// packBackward packs the taps of a phase, each transposed to [K,C], as B panels.
func packBackward(dst []float32, c Conv, w []float32, py, px phase) {
	f := filterTaps{w: w, first: py.lastTap*c.KW + px.lastTap, row: -c.Stride * c.KW, col: -c.Stride, cols: px.taps, size: c.C * c.K}
	taps := py.taps * px.taps
	if !gemm.UseFlat(c.K) {
		packTaps(dst, f, c.K, c.C, taps, true)
		return
	}
	// Few output channels: taps without gaps, so pack step by step.
	nr := gemm.TileCols()
	kPad := ground.CeilDiv(taps*c.K, gemm.KBlock) * gemm.KBlock
	for j := range ground.CeilDiv(c.C, nr) {
		d := dst[j*kPad*nr:][:kPad*nr]
		for t := range taps {
			gemm.PackBPanelT(d[t*c.K*nr:], f.tap(t)[j*nr*c.K:], c.K, c.K, min(nr, c.C-j*nr), nr)
		}
		clear(d[taps*c.K*nr:])
	}
}
