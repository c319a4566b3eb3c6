package cpu

import "github.com/whippet-ml/whippet/internal/parallel"

// MatMul is a product of row-major matrices, c = op(a)*op(b), or c += with
// Accumulate: op(a) is [M,K], op(b) [K,N] and c [M,N].
type MatMul struct {
	M, N, K        int
	TransA, TransB bool // a is stored as [K,M], b as [N,K]
	Accumulate     bool
}

// Multiply computes the product. It panics when a length does not fit.
func (p MatMul) Multiply(a, b, c []float32) {
	const op = "MatMul.Multiply"
	m, n, k := p.M, p.N, p.K
	need(op, "a", len(a), m*k)
	need(op, "b", len(b), k*n)
	need(op, "c", len(c), m*n)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !p.Accumulate {
			clear(c)
		}
		return
	}
	kBlocks := ceilDiv(k, kBlock)
	bp := getScratch(packedBLen(kBlocks*kBlock, n))
	defer putScratch(bp)
	packB(bp, b, k, n, kBlocks*kBlock, p.TransB)

	r := matmul{MatMul: p, a: a, bp: bp, c: c}
	rowPanels, colPanels := ceilDiv(m, tileRows()), ceilDiv(n, tileCols())
	r.cut = cut(rowPanels, colPanels, kBlocks)
	pieces := ceilDiv(rowPanels, r.cut.rowPanels) * ceilDiv(colPanels, r.cut.colPanels)
	parallel.ForWith(pieces, r, (*matmul).piece)
}

// matmul is a MatMul under way.
type matmul struct {
	MatMul
	a, bp, c []float32 // bp: the right matrix, packed
	cut      blocking
}

// piece computes piece i of the product.
func (p *matmul) piece(i int) {
	mr, nr := tileRows(), tileCols()
	kBlocks, colPanels := ceilDiv(p.K, kBlock), ceilDiv(p.N, nr)
	colPieces := ceilDiv(colPanels, p.cut.colPanels)
	r0 := i / colPieces * p.cut.rowPanels * mr
	r1 := min(p.M, r0+p.cut.rowPanels*mr)
	j0 := i % colPieces * p.cut.colPanels
	j1 := min(colPanels, j0+p.cut.colPanels)
	ap := getScratch(ceilDiv(r1-r0, mr) * mr * p.cut.kc * kBlock)
	defer putScratch(ap)
	for kb0 := 0; kb0 < kBlocks; kb0 += p.cut.kc {
		kb1 := min(kBlocks, kb0+p.cut.kc)
		packA(ap, p.a, p.M, p.K, r0, r1, kb0, kb1, p.TransA)
		args := gemmArgs{k: kb1 - kb0, ldc: p.N}
		if p.Accumulate || kb0 > 0 {
			args.flags = gemmAccumulate
		}
		for j := j0; j < j1; j++ {
			args.nr = min(nr, p.N-j*nr)
			args.b = &p.bp[(j*kBlocks+kb0)*kBlock*nr]
			for r := r0; r < r1; r += mr {
				args.mr = min(mr, r1-r)
				args.a = &ap[(r-r0)*(kb1-kb0)*kBlock]
				args.c = &p.c[r*p.N+j*nr]
				gemmN(&args)
			}
		}
	}
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
