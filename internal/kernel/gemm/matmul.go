package gemm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// MatMul is a product of row-major matrices, c = op(a)*op(b), or c += with
// Accumulate: op(a) is [M,K], op(b) [K,N] and c [M,N].
type MatMul struct {
	M, N, K        int
	TransA, TransB bool // a is stored as [K,M], b as [N,K]
	Accumulate     bool
}

// Multiply computes the product. It panics when a length does not fit.
func (p MatMul) Multiply(a, b, c []float32) {
	const op = "gemm.MatMul.Multiply"
	m, n, k := p.M, p.N, p.K
	ground.Need(op, "a", len(a), m*k)
	ground.Need(op, "b", len(b), k*n)
	ground.Need(op, "c", len(c), m*n)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !p.Accumulate {
			clear(c)
		}
		return
	}
	kBlocks := ground.CeilDiv(k, KBlock)
	bp := ground.GetScratch(PackedBLen(kBlocks*KBlock, n))
	defer ground.PutScratch(bp)
	PackB(bp, b, k, n, kBlocks*KBlock, p.TransB)

	r := matmul{MatMul: p, a: a, bp: bp, c: c}
	rowPanels, colPanels := ground.CeilDiv(m, TileRows()), ground.CeilDiv(n, TileCols())
	r.cut = Cut(rowPanels, colPanels, kBlocks)
	pieces := ground.CeilDiv(rowPanels, r.cut.RowPanels) * ground.CeilDiv(colPanels, r.cut.ColPanels)
	parallel.ForWith(pieces, r, (*matmul).piece)
}

// matmul is a MatMul under way.
type matmul struct {
	MatMul
	a, bp, c []float32 // bp: the right matrix, packed
	cut      Blocking
}

// piece computes piece i of the product.
func (p *matmul) piece(i int) {
	mr, nr := TileRows(), TileCols()
	kBlocks, colPanels := ground.CeilDiv(p.K, KBlock), ground.CeilDiv(p.N, nr)
	colPieces := ground.CeilDiv(colPanels, p.cut.ColPanels)
	r0 := i / colPieces * p.cut.RowPanels * mr
	r1 := min(p.M, r0+p.cut.RowPanels*mr)
	j0 := i % colPieces * p.cut.ColPanels
	j1 := min(colPanels, j0+p.cut.ColPanels)
	ap := ground.GetScratch(ground.CeilDiv(r1-r0, mr) * mr * p.cut.KC * KBlock)
	defer ground.PutScratch(ap)
	for kb0 := 0; kb0 < kBlocks; kb0 += p.cut.KC {
		kb1 := min(kBlocks, kb0+p.cut.KC)
		packA(ap, p.a, p.M, p.K, r0, r1, kb0, kb1, p.TransA)
		args := Args{K: kb1 - kb0, LDC: p.N}
		if p.Accumulate || kb0 > 0 {
			args.Flags = Accumulate
		}
		for j := j0; j < j1; j++ {
			args.NR = min(nr, p.N-j*nr)
			args.B = &p.bp[(j*kBlocks+kb0)*KBlock*nr]
			args.MR, args.A, args.C = r1-r0, &ap[0], &p.c[r0*p.N+j*nr]
			FormN(&args)
		}
	}
}

// packA packs rows [r0,r1), k blocks [kb0,kb1) of the row-major matrix a [m,k],
// or of its transpose when a is stored as [k,m], into A panels of form N.
func packA(dst, a []float32, m, k, r0, r1, kb0, kb1 int, trans bool) {
	mr := TileRows()
	for r := range r1 - r0 {
		d := dst[r/mr*mr*(kb1-kb0)*KBlock+r%mr*KBlock:]
		for kb := kb0; kb < kb1; kb++ {
			v := (*[KBlock]float32)(d[(kb-kb0)*mr*KBlock:])
			n := min(KBlock, k-kb*KBlock)
			if trans {
				for i := range n {
					v[i] = a[(kb*KBlock+i)*m+r0+r]
				}
			} else {
				copy(v[:n], a[(r0+r)*k+kb*KBlock:])
			}
			clear(v[n:])
		}
	}
}
