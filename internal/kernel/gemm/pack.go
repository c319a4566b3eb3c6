package gemm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// PackedBLen returns the floats that B panels of k steps and n columns take.
func PackedBLen(k, n int) int { return ground.CeilDiv(n, TileCols()) * TileCols() * k }

// PackBPanel copies rows of n contiguous columns, ld floats apart, into one B
// panel: dst[i][0..nr) = src[i*ld ...], columns past n zero.
func PackBPanel(dst, src []float32, rows, ld, n, nr int) {
	if n >= nr && nr%KBlock == 0 {
		CopyBlocks(&BlockCopy{
			Dst: &dst[0], Src: &src[0], Rows: rows, Blocks: nr / KBlock, DstRow: nr * 4, DstBlock: KBlock * 4, SrcRow: ld * 4,
		})
		return
	}
	n = min(n, nr)
	for i := range rows {
		d := dst[i*nr : i*nr+nr]
		copy(d, src[i*ld:i*ld+n])
		clear(d[n:])
	}
}

// PackBPanelT fills one B panel from a transposed source: dst[i][j] =
// src[j*ld+i] for i < rows, j < n, columns past n zero.
func PackBPanelT(dst, src []float32, rows, ld, n, nr int) {
	if n < nr {
		clear(dst[:rows*nr])
	}
	n = min(n, nr)
	// Pieces of 128 steps keep the part of dst being scattered to in the cache.
	for i0 := 0; i0 < rows; i0 += 128 {
		m := min(128, rows-i0)
		m8 := m &^ 7
		j := 0
		for ; m8 > 0 && j+8 <= n; j += 8 {
			transpose8(&dst[i0*nr+j], &src[j*ld+i0], ld, nr, m8/8)
			if m8 < m {
				scatterColumns(dst[(i0+m8)*nr+j:], src[j*ld+i0+m8:], m-m8, ld, 8, nr)
			}
		}
		scatterColumns(dst[i0*nr+j:], src[min(len(src), j*ld+i0):], m, ld, n-j, nr)
	}
}

// scatterColumns writes dst[i*nr+j] = src[j*ld+i] for i < rows, j < n.
func scatterColumns(dst, src []float32, rows, ld, n, nr int) {
	for j := range n {
		for i, v := range src[j*ld:][:rows] {
			dst[i*nr+j] = v
		}
	}
}

// PackB packs the row-major matrix b [k,n], or its transpose when b is stored
// as [n,k], into B panels of kPad steps, kPad >= k; the steps past k are zero.
func PackB(dst, b []float32, k, n, kPad int, trans bool) {
	nr := TileCols()
	const step = 256
	type args struct {
		dst, b            []float32
		k, n, kPad, parts int
		trans             bool
	}
	parts := ground.CeilDiv(kPad, step)
	parallel.ForWith(ground.CeilDiv(n, nr)*parts, args{dst, b, k, n, kPad, parts, trans}, func(a *args, i int) {
		j, k0, nr := i/a.parts, i%a.parts*step, TileCols()
		d := a.dst[j*nr*a.kPad+k0*nr:]
		rows := max(0, min(step, a.k-k0))
		cols := min(nr, a.n-j*nr)
		switch {
		case rows == 0:
		case a.trans:
			PackBPanelT(d, a.b[j*nr*a.k+k0:], rows, a.k, cols, nr)
		default:
			PackBPanel(d, a.b[k0*a.n+j*nr:], rows, a.n, cols, nr)
		}
		clear(d[rows*nr : min(step, a.kPad-k0)*nr])
	})
}

// UseFlat says whether rows of c channels waste too much when each pixel is
// filled up to a multiple of 16.
func UseFlat(c int) bool {
	return c%KBlock != 0 && ground.CeilDiv(c, KBlock)*KBlock*8 > c*9
}
