package cpu

import "github.com/whippet-ml/whippet/internal/parallel"

// MatMul computes c = op(a)*op(b), or c += with accumulate, for row-major
// matrices: op(a) is [m,k] and op(b) [k,n], c is [m,n]. With transA, a is
// stored as [k,m]; with transB, b is stored as [n,k]. It panics when a length
// does not fit.
func MatMul(m, n, k int, a, b, c []float32, transA, transB, accumulate bool) {
	mustLen("MatMul", "left matrix", len(a), m*k)
	mustLen("MatMul", "right matrix", len(b), k*n)
	mustLen("MatMul", "product", len(c), m*n)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !accumulate {
			clear(c)
		}
		return
	}
	nr := tileCols()
	kBlocks := ceilDiv(k, kBlock)
	bp := getScratch(packedBLen(kBlocks*kBlock, n))
	defer putScratch(bp)
	packB(bp, b, k, n, kBlocks*kBlock, transB)

	mr := tileRows()
	rowPanels, colPanels := ceilDiv(m, mr), ceilDiv(n, nr)
	cut := cut(rowPanels, colPanels, kBlocks)
	colPieces := ceilDiv(colPanels, cut.colPanels)
	parallel.For(ceilDiv(rowPanels, cut.rowPanels)*colPieces, func(i int) {
		r0 := i / colPieces * cut.rowPanels * mr
		r1 := min(m, r0+cut.rowPanels*mr)
		j0 := i % colPieces * cut.colPanels
		j1 := min(colPanels, j0+cut.colPanels)
		ap := getScratch(ceilDiv(r1-r0, mr) * mr * cut.kc * kBlock)
		defer putScratch(ap)
		for kb0 := 0; kb0 < kBlocks; kb0 += cut.kc {
			kb1 := min(kBlocks, kb0+cut.kc)
			packA(ap, a, m, k, r0, r1, kb0, kb1, transA)
			args := gemmArgs{k: kb1 - kb0, ldc: n}
			if accumulate || kb0 > 0 {
				args.flags = gemmAccumulate
			}
			for j := j0; j < j1; j++ {
				args.nr = min(nr, n-j*nr)
				args.b = &bp[(j*kBlocks+kb0)*kBlock*nr]
				for r := r0; r < r1; r += mr {
					args.mr = min(mr, r1-r)
					args.a = &ap[(r-r0)*(kb1-kb0)*kBlock]
					args.c = &c[r*n+j*nr]
					gemmNCall(&args)
				}
			}
		}
	})
}

// packA packs rows [r0,r1), k blocks [kb0,kb1) of the row-major matrix a [m,k],
// or of its transpose when a is stored as [k,m], into A panels of form N.
func packA(dst, a []float32, m, k, r0, r1, kb0, kb1 int, trans bool) {
	mr := tileRows()
	for r := range r1 - r0 {
		d := dst[r/mr*mr*(kb1-kb0)*kBlock+r%mr*kBlock:]
		for kb := kb0; kb < kb1; kb++ {
			v := (*[kBlock]float32)(d[(kb-kb0)*mr*kBlock:])
			n := min(kBlock, k-kb*kBlock)
			if trans {
				for i := range n {
					v[i] = a[(kb*kBlock+i)*m+r0+r]
				}
			} else {
				copy(v[:n], a[(r0+r)*k+kb*kBlock:])
			}
			clear(v[n:])
		}
	}
}
