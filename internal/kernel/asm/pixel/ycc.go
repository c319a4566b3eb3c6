package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// ycc does 8 pixels at a time.
func ycc() {
	isa.Kernel("yccVectors", "func(dst *uint8, y *uint8, cb *uint8, cr *uint8, n int)",
		"turns n pixels, n a multiple of 8, of three planes into RGB. It writes 4 bytes beyond the last pixel.",
		"for i in n by 8 { r, g, b = y + products of cb-128 and cr-128, rounded, in 0 to 255; dst = r g b interleaved }")
	dst, yp := Load(Param("dst"), GP64()), Load(Param("y"), GP64())
	cbp, crp, n := Load(Param("cb"), GP64()), Load(Param("cr"), GP64()), Load(Param("n"), GP64())
	load := func(m Mem) VecVirtual { o := YMM(); VMOVDQU(m, o); return o }
	center, half := load(isa.EightInts("yccCenter", 128)), load(isa.EightInts("yccHalf", 1<<15))
	kr, kb := load(isa.EightInts("yccRed", 91881)), load(isa.EightInts("yccBlue", 116130))
	kgb, kgr := load(isa.EightInts("yccGreenCb", -22554)), load(isa.EightInts("yccGreenCr", -46802))
	zero, full := YMM(), load(isa.EightInts("yccFull", 255))
	VPXOR(zero, zero, zero)
	var sh [32]byte
	for i := range sh {
		sh[i] = 0x80
	}
	for lane := range 2 {
		for i := range 12 {
			sh[16*lane+i] = byte(i/3*4 + i%3)
		}
	}
	squeeze := load(isa.Bytes("yccSqueeze", sh[:]))
	i := GP64()
	XORQ(i, i)
	Label("block")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	y, cb, cr := YMM(), YMM(), YMM()
	VPMOVZXBD(Mem{Base: yp, Index: i, Scale: 1}, y)
	VPMOVZXBD(Mem{Base: cbp, Index: i, Scale: 1}, cb)
	VPMOVZXBD(Mem{Base: crp, Index: i, Scale: 1}, cr)
	VPSUBD(center, cb, cb)
	VPSUBD(center, cr, cr)
	r, g, b, t := YMM(), YMM(), YMM(), YMM()
	VPMULLD(kr, cr, r)
	VPMULLD(kb, cb, b)
	VPMULLD(kgb, cb, g)
	VPMULLD(kgr, cr, t)
	VPADDD(t, g, g)
	for _, v := range []VecVirtual{r, g, b} {
		VPADDD(half, v, v)
		VPSRAD(Imm(16), v, v)
		VPADDD(y, v, v)
		VPMAXSD(zero, v, v)
		VPMINSD(full, v, v)
	}
	VPSLLD(Imm(8), g, g)
	VPSLLD(Imm(16), b, b)
	VPOR(g, r, r)
	VPOR(b, r, r)
	VPSHUFB(squeeze, r, r)
	VMOVDQU(r.AsX(), Mem{Base: dst})
	hi := XMM()
	VEXTRACTI128(Imm(1), r, hi)
	VMOVDQU(hi, Mem{Base: dst, Disp: 12})
	ADDQ(Imm(24), dst)
	ADDQ(Imm(8), i)
	JMP(LabelRef("block"))
	Label("done")
	isa.End()
}
