package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// transpose8: for b in n { dst[b*8+i][0..8) = column b*8+i of 8 rows of src },
// with rows of src ld floats apart and rows of dst nr floats apart.
func transpose8(v *isa.Set) {
	isa.Kernel("transpose8"+v.Name, "func(dst, src *float32, ld, nr, n int)",
		"turns n times 8 columns of 8 rows of src, ld floats apart, into 8 floats of rows of dst, nr floats apart; see transpose8Go.",
		"for b in n { dst[b*8+i][0..8) = column b*8+i of src }",
		"SI, DI: columns of src, rows of dst; R8, R9: one and three rows of src in bytes; R10, R11: of dst; CX: times left")
	ymm := v.Reg
	dst, src, ld, ld3, nr, nr3, n, tmp := reg.RDI, reg.RSI, reg.R8, reg.R9, reg.R10, reg.R11, reg.RCX, reg.RAX
	Load(Param("dst"), dst)
	Load(Param("src"), src)
	Load(Param("ld"), ld)
	Load(Param("nr"), nr)
	Load(Param("n"), n)
	SHLQ(Imm(2), ld)
	SHLQ(Imm(2), nr)
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	LEAQ(Mem{Base: nr, Index: nr, Scale: 2}, nr3)
	// eight returns the addresses of eight rows, four from each of two bases.
	eight := func(lo, hi, step, step3 reg.GPPhysical) (m [8]Mem) {
		for i, base := range []reg.GPPhysical{lo, hi} {
			m[4*i] = Mem{Base: base}
			m[4*i+1] = Mem{Base: base, Index: step, Scale: 1}
			m[4*i+2] = Mem{Base: base, Index: step, Scale: 2}
			m[4*i+3] = Mem{Base: base, Index: step3, Scale: 1}
		}
		return m
	}
	Label("loop")
	LEAQ(Mem{Base: src, Index: ld, Scale: 4}, tmp)
	rows := eight(src, tmp, ld, ld3)
	for i := range 2 {
		r := 8 * i // four rows in r to r+3
		for j := range 4 {
			VMOVUPS(rows[4*i+j], ymm(r+j))
		}
		Comment("pairs of rows: a0 b0 a1 b1 and a2 b2 a3 b3")
		for j := 0; j < 4; j += 2 {
			VUNPCKLPS(ymm(r+j+1), ymm(r+j), ymm(4+j))
			VUNPCKHPS(ymm(r+j+1), ymm(r+j), ymm(5+j))
		}
		Comment("fours of rows: a0 b0 c0 d0 and so on")
		for h := range 2 {
			VSHUFPS(Imm(0x44), ymm(6+h), ymm(4+h), ymm(r+2*h))
			VSHUFPS(Imm(0xee), ymm(6+h), ymm(4+h), ymm(r+2*h+1))
		}
	}
	Comment("all eight")
	for i := range 4 {
		VPERM2F128(Imm(0x20), ymm(8+i), ymm(i), ymm(4+i))
		VPERM2F128(Imm(0x31), ymm(8+i), ymm(i), ymm(i))
	}
	LEAQ(Mem{Base: dst, Index: nr, Scale: 4}, tmp)
	for i, m := range eight(dst, tmp, nr, nr3) {
		VMOVUPS(ymm((4+i)%8), m)
	}
	ADDQ(Imm(32), src)
	LEAQ(Mem{Base: dst, Index: nr, Scale: 8}, dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	isa.End()
}
