package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// pick takes weighted sums along a row of floats, a pixel at a time.
func pick() {
	isa.Kernel("pickVectors", "func(dst *float32, src *float32, first *int32, count *int32, w *float32, size int, n int)",
		"sets dst pixel i to the sum of w[i*size+j] * src pixel first[i]+j over j < count[i], RGB float32, for i < n; see pick. It reads one float beyond the last source pixel and writes one beyond the last result.",
		"for i in n { acc = 0; for j in count[i] { acc += w[j] * pixel p; p++ }; dst = acc; w += size }")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	first, count := Load(Param("first"), GP64()), Load(Param("count"), GP64())
	w, size, n := Load(Param("w"), GP64()), Load(Param("size"), GP64()), Load(Param("n"), GP64())
	SHLQ(Imm(2), size)
	i := GP64()
	XORQ(i, i)
	Label("pixel")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	p, c := GP64(), GP64()
	MOVLQSX(Mem{Base: first, Index: i, Scale: 4}, p)
	MOVLQSX(Mem{Base: count, Index: i, Scale: 4}, c)
	LEAQ(Mem{Base: p, Index: p, Scale: 2}, p)
	LEAQ(Mem{Base: src, Index: p, Scale: 4}, p)
	acc, k := XMM(), XMM()
	VXORPS(acc, acc, acc)
	j := GP64()
	XORQ(j, j)
	Label("tap")
	VBROADCASTSS(Mem{Base: w, Index: j, Scale: 4}, k)
	VFMADD231PS(Mem{Base: p}, k, acc)
	ADDQ(Imm(12), p)
	INCQ(j)
	CMPQ(j, c)
	JLT(LabelRef("tap"))
	VMOVUPS(acc, Mem{Base: dst})
	ADDQ(Imm(12), dst)
	ADDQ(size, w)
	INCQ(i)
	JMP(LabelRef("pixel"))
	Label("done")
	isa.End()
}
