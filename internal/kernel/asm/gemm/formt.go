package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// formT: for p in k { for r in mrT { tile[r] += A[p][r] * B[p] } }
func (v *tile) formT() {
	v.tiles = false
	v.begin("gemmT", "adds k steps to the tile, A k outer; see Args.",
		"for p in k { for r in mr { tile[r] += A[p][r] * B[p] } }, then C = tile with its epilogue",
		"SI, R13: column of A and its step; DX, BX: row of B and its step; CX: steps left; R14, R15: memory to prefetch and its step")
	v.load()
	MOVQ(g.Field("AStride"), as)
	SHLQ(Imm(2), as)
	MOVQ(g.Field("BStride"), bs)
	SHLQ(Imm(2), bs)
	v.clear(v.mrT)
	v.fetchTile(v.mrT)
	v.choose(append([]int{v.mrT}, v.lowT...), func(n, halves int, suffix string) {
		step := func() {
			v.step(n, halves, Mem{Base: b}, func(r int) Mem { return Mem{Base: a, Disp: r * 4} })
			PREFETCHT1(Mem{Base: next})
			ADDQ(as, a)
			ADDQ(bs, b)
			ADDQ(nextStep, next)
		}
		Comment("Four steps at a time.")
		SUBQ(Imm(4), k)
		JLT(LabelRef("rest" + suffix))
		Label("loop" + suffix)
		for range 4 {
			step()
		}
		SUBQ(Imm(4), k)
		JGE(LabelRef("loop" + suffix))
		Label("rest" + suffix)
		ADDQ(Imm(4), k)
		JZ(LabelRef("done" + suffix))
		Label("single" + suffix)
		step()
		DECQ(k)
		JNZ(LabelRef("single" + suffix))
		Label("done" + suffix)
	})
}
