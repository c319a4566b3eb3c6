package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// The fixed point of coordinates and weights: so many bits, and what 1 is.
var fractionBits, fraction int

// walk is where the samples are: Walk's fields, in registers.
type walk struct {
	isa.Args
	base [3]VecVirtual // u, v, d of the first of the four, in all lanes
}

// sample makes four samples at a time.
func sample() {
	isa.Kernel("sampleVectors", "func(dst *float32, n int, src *uint8, rowBytes int, limX uint32, limY uint32, w *Walk) int",
		"makes bilinear samples of RGB bytes along a projective line, until n are done or one of four lies outside the picture's inner part (limX, limY in 1/8192 pixels), and returns how many it did; see SampleInside. It writes one float beyond the last sample and reads 8 bytes for a pair of pixels.",
		"for i in n by 4 { at = (base + off) / (base.d + off.d); if outside, stop; base += step; for each of four { weights by the fractions; dst = sum of four weighted pixels } }")
	fractionBits = pixel.Const("WeightBits")
	fraction = 1 << fractionBits
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	src, rowBytes := Load(Param("src"), GP64()), Load(Param("rowBytes"), GP64())
	w := &walk{Args: isa.Deref("w", GP64())}
	limX, limY, rb := XMM(), XMM(), XMM()
	for i, v := range []VecVirtual{limX, limY} {
		g := Load(Param([]string{"limX", "limY"}[i]), GP32())
		VMOVD(g, v)
		VPBROADCASTD(v, v)
	}
	VMOVD(rowBytes.(GPVirtual).As32(), rb)
	VPBROADCASTD(rb, rb)
	for i := range w.base {
		w.base[i] = YMM()
		VBROADCASTSD(w.Elem("base", i), w.base[i])
	}
	i := GP64()
	XORQ(i, i)
	Label("block")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	at := w.at()
	stopOutside(at, limX, limY)
	w.next()
	left, right, offset := weigh(at, rb)
	samples(dst, src, rowBytes, left, right, offset)
	ADDQ(Imm(48), dst)
	ADDQ(Imm(4), i)
	JMP(LabelRef("block"))
	Label("done")
	for k := range w.base {
		VMOVSD(w.base[k].AsX(), w.Elem("base", k))
	}
	Store(i, ReturnIndex(0))
	isa.End()
}

// at returns x and y of the four samples in 1/8192 pixels, rounded.
func (w *walk) at() (at [2]VecVirtual) {
	one, scale, half := isa.FourDoubles("sampleOne", 1), isa.FourDoubles("sampleScale", float64(fraction)), isa.FourDoubles("sampleHalf", 0.5)
	r := YMM()
	VADDPD(w.Elem("off", 2, 0), w.base[2], r)
	o := YMM()
	VMOVUPD(one, o)
	VDIVPD(r, o, r)
	for k := range at {
		x := YMM()
		VADDPD(w.Elem("off", k, 0), w.base[k], x)
		VMULPD(r, x, x)
		VMULPD(scale, x, x)
		VADDPD(half, x, x)
		at[k] = XMM()
		VCVTTPD2DQY(x, at[k])
	}
	return at
}

// stopOutside leaves the loop unless all four samples are inside.
func stopOutside(at [2]VecVirtual, limX, limY VecVirtual) {
	Comment("all four inside? unsigned at < lim is min(at, lim-1) == at")
	t, u := XMM(), XMM()
	VPMINUD(limX, at[0], t)
	VPCMPEQD(at[0], t, t)
	VPMINUD(limY, at[1], u)
	VPCMPEQD(at[1], u, u)
	VPAND(u, t, t)
	m := GP32()
	VMOVMSKPS(t, m)
	CMPL(m, Imm(15))
	JNE(LabelRef("done"))
}

// next goes on to the next four samples.
func (w *walk) next() {
	for k := range w.base {
		s := YMM()
		VBROADCASTSD(w.Elem("step", k), s)
		VADDPD(s, w.base[k], w.base[k])
	}
}

// weigh returns the weights of each sample's four pixels, as pairs of 16 bits
// (upper, lower) for the left and the right ones, and the offset in bytes of
// the upper left.
func weigh(at [2]VecVirtual, rowBytes VecVirtual) (left, right, offset VecVirtual) {
	mask, round, full := isa.EightInts("sampleMask", int32(fraction-1)), isa.EightInts("sampleRound", int32(fraction/2)), isa.EightInts("sampleFull", int32(fraction))
	Comment("fractions, weights, and byte offsets")
	fx, fy, both := XMM(), XMM(), XMM()
	VPAND(mask, at[0], fx)
	VPAND(mask, at[1], fy)
	VPMULLD(fx, fy, both)
	VPADDD(round, both, both)
	VPSRLD(Imm(uint64(fractionBits)), both, both)
	VPSRLD(Imm(uint64(fractionBits)), at[0], at[0])
	VPSRLD(Imm(uint64(fractionBits)), at[1], at[1])
	offset = XMM()
	VPMULLD(rowBytes, at[1], offset)
	VPADDD(at[0], offset, offset)
	VPADDD(at[0], offset, offset)
	VPADDD(at[0], offset, offset)
	VPSUBD(both, fx, fx) // upper right
	VPSUBD(both, fy, fy) // lower left
	left, right = XMM(), XMM()
	Comment("upper left = 8192 - fx - fy + both = 8192 - (fx-both) - (fy-both) - both")
	VMOVDQU(full, left)
	VPSUBD(fx, left, left)
	VPSUBD(fy, left, left)
	VPSUBD(both, left, left)
	VPSLLD(Imm(16), fy, fy)
	VPOR(fy, left, left) // (upper, lower) as 16-bit pairs
	VPSLLD(Imm(16), both, right)
	VPOR(fx, right, right)
	return left, right, offset
}

// samples makes the four samples and stores them.
func samples(dst, src, rowBytes Register, left, right, offset VecVirtual) {
	unit := isa.EightFloats("sampleUnit", 1/float32(fraction))
	g, two := GP64(), GP64()
	for k := range 4 {
		switch k {
		case 0:
			VMOVQ(offset, two)
			MOVL(two.As32(), g.As32())
		case 2:
			VPEXTRQ(Imm(1), offset, two)
			MOVL(two.As32(), g.As32())
		default:
			SHRQ(Imm(32), two)
			MOVQ(two, g)
		}
		p, q, a, b, w := XMM(), XMM(), XMM(), XMM(), XMM()
		ADDQ(src, g)
		VPMOVZXBW(Mem{Base: g}, p)
		VPMOVZXBW(Mem{Base: g, Index: rowBytes, Scale: 1}, q)
		VPUNPCKLWD(q, p, a) // R0 G0 B0 R1, upper and lower
		VPUNPCKHWD(q, p, b) // G1 B1 . .
		VPALIGNR(Imm(12), a, b, b)
		VPSHUFD(Imm(uint64(0x55*k)), left, w)
		VPMADDWD(w, a, a)
		VPSHUFD(Imm(uint64(0x55*k)), right, w)
		VPMADDWD(w, b, b)
		VPADDD(b, a, a)
		VCVTDQ2PS(a, a)
		VMULPS(unit, a, a)
		VMOVUPS(a, Mem{Base: dst, Disp: 12 * k})
	}
}
