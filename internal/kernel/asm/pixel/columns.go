package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// columns is the vertical pass of resampling, 16 columns at a time.
func columns() {
	isa.Kernel("columnsVectors", "func(dst *uint8, n int, rows **uint8, k *int32, count int)",
		"sets dst[x] to (2²¹ + the sum of k[j]*rows[j][x]) >> 22, held to 0–255, for x < n, n a multiple of 16; see columns.",
		"for x in n by 16 { a, b = 2²¹; for j in count { a, b += k[j] * rows[j][x..] }; dst[x..] = a>>22, b>>22 }")
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	rows, k, count := Load(Param("rows"), GP64()), Load(Param("k"), GP64()), Load(Param("count"), GP64())
	half := YMM()
	VMOVDQU(isa.EightInts("roundHalf", 1<<21), half)
	x := GP64()
	XORQ(x, x)
	Label("block")
	CMPQ(x, n)
	JGE(LabelRef("done"))
	a, b := YMM(), YMM()
	VMOVDQA(half, a)
	VMOVDQA(half, b)
	j := GP64()
	XORQ(j, j)
	Label("tap")
	p, w, s, t := GP64(), YMM(), YMM(), YMM()
	MOVQ(Mem{Base: rows, Index: j, Scale: 8}, p)
	VPBROADCASTD(Mem{Base: k, Index: j, Scale: 4}, w)
	VPMOVZXBD(Mem{Base: p, Index: x, Scale: 1}, s)
	VPMOVZXBD(Mem{Base: p, Index: x, Scale: 1, Disp: 8}, t)
	VPMULLD(w, s, s)
	VPMULLD(w, t, t)
	VPADDD(s, a, a)
	VPADDD(t, b, b)
	INCQ(j)
	CMPQ(j, count)
	JLT(LabelRef("tap"))
	VPSRAD(Imm(22), a, a)
	VPSRAD(Imm(22), b, b)
	Comment("pack to bytes, held to 0..255: first to 0..65535, of which no more than 511 occur; the lanes come out as a0 b0 a1 b1, so exchange the middle")
	VPACKUSDW(b, a, a)
	VPERMQ(Imm(0xd8), a, a)
	lo, hi := a.AsX(), XMM()
	VEXTRACTI128(Imm(1), a, hi)
	VPACKUSWB(hi, lo, lo)
	VMOVDQU(lo, Mem{Base: dst, Index: x, Scale: 1})
	ADDQ(Imm(16), x)
	JMP(LabelRef("block"))
	Label("done")
	isa.End()
}
