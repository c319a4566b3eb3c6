package main

import (
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// idct has a row of eight in each vector.
func idct() {
	isa.Kernel("idctVectors", "func(b *int32, dst *uint8, stride int)",
		"turns the 8×8 block b, dequantized, into samples at dst, rows stride apart; see internal/jpeg/idct.go for the method.",
		"columns: pass, transpose; rows: pass, transpose; clamp to bytes and store")
	b, dst, stride := Load(Param("b"), GP64()), Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	c := map[int]Mem{}
	for _, v := range []int32{2446, 3196, 4433, 6270, 7373, 9633, 12299, 15137, 16069, 16819, 20995, 25172} {
		c[int(v)] = isa.EightInts("idct"+strconv.Itoa(int(v)), v)
	}
	half1 := isa.EightInts("idctHalf1", 1<<10)
	half2 := isa.EightInts("idctHalf2", 1<<17+128<<18)
	r := make([]VecVirtual, 8)
	for i := range r {
		r[i] = YMM()
		VMOVDQU(Mem{Base: b, Disp: 32 * i}, r[i])
	}
	Comment("columns")
	r = pass(r, c, half1, 11)
	r = transpose(r)
	Comment("rows")
	r = pass(r, c, half2, 18)
	r = transpose(r)
	storeSamples(r, dst, stride)
	isa.End()
}

// storeSamples clamps the eight rows r to bytes and stores them, stride apart.
func storeSamples(r []VecVirtual, dst, stride Register) {
	for q := 0; q < 8; q += 4 {
		a, d := YMM(), YMM()
		VPACKSSDW(r[q+1], r[q], a)
		VPACKSSDW(r[q+3], r[q+2], d)
		VPACKUSWB(d, a, a)
		hi, lo, two := XMM(), XMM(), XMM()
		VEXTRACTI128(Imm(1), a, hi)
		VPUNPCKLDQ(hi, a.AsX(), lo)
		VPUNPCKHDQ(hi, a.AsX(), two)
		for _, v := range []VecVirtual{lo, two} {
			VMOVQ(v, Mem{Base: dst})
			VPEXTRQ(Imm(1), v, Mem{Base: dst, Index: stride, Scale: 1})
			LEAQ(Mem{Base: dst, Index: stride, Scale: 2}, dst)
		}
	}
}

// pass is one dimension of the transform over eight vectors.
func pass(r []VecVirtual, c map[int]Mem, half Mem, shift uint8) []VecVirtual {
	mul := func(v VecVirtual, k int) VecVirtual {
		o := YMM()
		VPMULLD(c[k], v, o)
		return o
	}
	add := func(a, b VecVirtual) VecVirtual { o := YMM(); VPADDD(a, b, o); return o }
	sub := func(a, b VecVirtual) VecVirtual { o := YMM(); VPSUBD(b, a, o); return o } // a-b
	z1 := mul(add(r[2], r[6]), 4433)
	t2 := sub(z1, mul(r[6], 15137))
	t3 := add(z1, mul(r[2], 6270))
	t0, t1 := add(r[0], r[4]), sub(r[0], r[4])
	VPSLLD(Imm(13), t0, t0)
	VPSLLD(Imm(13), t1, t1)
	VPADDD(half, t0, t0)
	VPADDD(half, t1, t1)
	a0, a3 := add(t0, t3), sub(t0, t3)
	a1, a2 := add(t1, t2), sub(t1, t2)

	u0, u1, u2, u3 := r[7], r[5], r[3], r[1]
	z3, z4 := add(u0, u2), add(u1, u3)
	z5 := mul(add(z3, z4), 9633)
	z3 = sub(z5, mul(z3, 16069))
	z4 = sub(z5, mul(z4, 3196))
	y1 := mul(add(u0, u3), 7373)
	y2 := mul(add(u1, u2), 20995)
	u0 = add(sub(mul(u0, 2446), y1), z3)
	u3 = add(sub(mul(u3, 12299), y1), z4)
	u1 = add(sub(mul(u1, 16819), y2), z4)
	u2 = add(sub(mul(u2, 25172), y2), z3)

	out := []VecVirtual{
		add(a0, u3), add(a1, u2), add(a2, u1), add(a3, u0),
		sub(a3, u0), sub(a2, u1), sub(a1, u2), sub(a0, u3),
	}
	for _, v := range out {
		VPSRAD(Imm(uint64(shift)), v, v)
	}
	return out
}

// transpose exchanges rows and columns of eight vectors of eight int32.
func transpose(r []VecVirtual) []VecVirtual {
	var a, b, out [8]VecVirtual
	for i := range 8 {
		a[i], b[i], out[i] = YMM(), YMM(), YMM()
	}
	for i := 0; i < 8; i += 2 {
		VPUNPCKLDQ(r[i+1], r[i], a[i])
		VPUNPCKHDQ(r[i+1], r[i], a[i+1])
	}
	for i := 0; i < 8; i += 4 {
		VPUNPCKLQDQ(a[i+2], a[i], b[i])
		VPUNPCKHQDQ(a[i+2], a[i], b[i+1])
		VPUNPCKLQDQ(a[i+3], a[i+1], b[i+2])
		VPUNPCKHQDQ(a[i+3], a[i+1], b[i+3])
	}
	for i := range 4 {
		VPERM2I128(Imm(0x20), b[4+i], b[i], out[i])
		VPERM2I128(Imm(0x31), b[4+i], b[i], out[4+i])
	}
	return out[:]
}
