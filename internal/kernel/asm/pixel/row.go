package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// row is the horizontal pass of resampling, a pixel at a time.
func row() {
	isa.Kernel("rowVectors", "func(dst *uint8, src *uint8, first *int32, count *int32, k *int32, size int, n int)",
		"sets dst pixel i to (2²¹ + the sum of k[i*size+j] * src pixel first[i]+j) >> 22 over j < count[i], held to 0–255; see row. It reads one byte beyond the last source pixel and writes one beyond the last result.",
		"for i in n { acc = 2²¹; for j in count[i] { acc += k[j] * pixel p; p++ }; dst = acc>>22; k += size }")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	first, count := Load(Param("first"), GP64()), Load(Param("count"), GP64())
	k, size, n := Load(Param("k"), GP64()), Load(Param("size"), GP64()), Load(Param("n"), GP64())
	SHLQ(Imm(2), size)
	half := XMM()
	VMOVDQU(isa.EightInts("roundHalfRow", 1<<21), half)
	i := GP64()
	XORQ(i, i)
	Label("pixel")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	p, c := GP64(), GP64()
	MOVLQSX(Mem{Base: first, Index: i, Scale: 4}, p)
	MOVLQSX(Mem{Base: count, Index: i, Scale: 4}, c)
	LEAQ(Mem{Base: p, Index: p, Scale: 2}, p)
	ADDQ(src, p)
	acc, w, s := XMM(), XMM(), XMM()
	VMOVDQA(half, acc)
	j := GP64()
	XORQ(j, j)
	Label("tap")
	VPMOVZXBD(Mem{Base: p}, s)
	VPBROADCASTD(Mem{Base: k, Index: j, Scale: 4}, w)
	VPMULLD(w, s, s)
	VPADDD(s, acc, acc)
	ADDQ(Imm(3), p)
	INCQ(j)
	CMPQ(j, c)
	JLT(LabelRef("tap"))
	VPSRAD(Imm(22), acc, acc)
	VPACKUSDW(acc, acc, acc)
	VPACKUSWB(acc, acc, acc)
	VMOVD(acc, Mem{Base: dst})
	ADDQ(Imm(3), dst)
	ADDQ(size, k)
	INCQ(i)
	JMP(LabelRef("pixel"))
	Label("done")
	isa.End()
}
