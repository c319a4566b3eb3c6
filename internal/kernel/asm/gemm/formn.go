package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// formN: for blk in k { for kk in 16 { for r in mr { tile[r] += A[r][kk] * B[kk] } } }
func (v *tile) formN() {
	v.tiles = true
	v.begin("gemmN", "adds k blocks of 16 steps to tiles, A panels of form N; see Args.",
		"for tiles { for block in k { for kk in 16 { for r in mr { tile[r] += A[r][kk] * B[kk] } } }, then C = tile with its epilogue }",
		"SI: block of A; DX: row of B; CX: blocks left; R14, R15: memory to prefetch and its step; AX, BX: row of the residual or of C to prefetch and its step")
	v.load()
	v.clear(v.mr)
	row, down := tmp, bs
	v.walkRows(row, down, "")
	Comment("a points into the middle of a block, so that displacements fit one byte.")
	mid := v.mr * 64 / 2 / 4 * 4
	ADDQ(I32(mid), a)
	v.choose([]int{v.mr, v.mr / 2}, func(n, halves int, suffix string) {
		Label("loop" + suffix)
		for kk := range 16 {
			if kk%2 == 0 {
				PREFETCHT1(Mem{Base: next, Disp: kk / 2 * 64})
			}
			if kk%4 == 1 {
				v.fetchRow(row)
				ADDQ(down, row)
			}
			v.step(n, halves, Mem{Base: b, Disp: kk * 2 * v.Bytes}, func(r int) Mem {
				return Mem{Base: a, Disp: r*64 + kk*4 - mid}
			})
		}
		ADDQ(nextStep, next)
		ADDQ(I32(v.mr*64), a)
		ADDQ(I32(16*2*v.Bytes), b)
		DECQ(k)
		JNZ(LabelRef("loop" + suffix))
	})
	v.more(func(field Mem) {
		SUBQ(I32(mid), a)
		MOVQ(a, field)
	})
}
