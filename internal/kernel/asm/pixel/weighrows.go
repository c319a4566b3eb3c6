package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// weighRows combines rows of floats, four vectors of columns at a time.
func weighRows() {
	isa.Kernel("weighRowsVectors", "func(dst *float32, n int, rows **float32, w *float32, count int)",
		"sets dst[x] to the sum of w[j]*rows[j][x] over j < count, for x < n, n a multiple of 32; see weighRows.",
		"for x in n by 32 { acc = 0; for j in count { acc += w[j] * rows[j][x..] }; dst[x..] = acc }")
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	rows, w, count := Load(Param("rows"), GP64()), Load(Param("w"), GP64()), Load(Param("count"), GP64())
	x := GP64()
	XORQ(x, x)
	Label("block")
	CMPQ(x, n)
	JGE(LabelRef("done"))
	var acc [4]VecVirtual
	for i := range acc {
		acc[i] = YMM()
		VXORPS(acc[i], acc[i], acc[i])
	}
	j := GP64()
	XORQ(j, j)
	Label("tap")
	p, k := GP64(), YMM()
	MOVQ(Mem{Base: rows, Index: j, Scale: 8}, p)
	VBROADCASTSS(Mem{Base: w, Index: j, Scale: 4}, k)
	for i := range acc {
		Comment("acc += w[j] * rows[j][x..]")
		VFMADD231PS(Mem{Base: p, Index: x, Scale: 4, Disp: 32 * i}, k, acc[i])
	}
	INCQ(j)
	CMPQ(j, count)
	JLT(LabelRef("tap"))
	for i := range acc {
		VMOVUPS(acc[i], Mem{Base: dst, Index: x, Scale: 4, Disp: 32 * i})
	}
	ADDQ(Imm(32), x)
	JMP(LabelRef("block"))
	Label("done")
	isa.End()
}
