// Command pixel generates the AVX2 kernels of internal/pixel. Their Go twins
// are the functions of the same name in internal/pixel/twins.go.
package main

import (
	"encoding/binary"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	weighRows()
	columns()
	row()
	idct()
	ycc()
	pick()
	curve()
	sample()
	Generate()
}

// repeated is a 32-byte constant of eight equal int32.
func repeated(name string, v int32) Mem {
	b := make([]byte, 32)
	for i := range 8 {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	}
	return bytesConst(name, b)
}

func bytesConst(name string, b []byte) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := 0; i < len(b); i += 8 {
		DATA(i, U64(binary.LittleEndian.Uint64(b[i:])))
	}
	return m
}

// weighRows: dst[x] = Σ w[j]·rows[j][x] for x < n, n a multiple of 32.
func weighRows() {
	TEXT("weighRowsAVX2", NOSPLIT, "func(dst *float32, n int, rows **float32, w *float32, count int)")
	Pragma("noescape")
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
	VZEROUPPER()
	RET()
}

// columns: dst[x] = (2²¹ + Σ k[j]·rows[j][x]) >> 22, at most 255, for x < n, n a
// multiple of 16.
func columns() {
	TEXT("columnsAVX2", NOSPLIT, "func(dst *uint8, n int, rows **uint8, k *uint32, count int)")
	Pragma("noescape")
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	rows, k, count := Load(Param("rows"), GP64()), Load(Param("k"), GP64()), Load(Param("count"), GP64())
	half := YMM()
	VMOVDQU(repeated("roundHalf", 1<<21), half)
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
	VPSRLD(Imm(22), a, a)
	VPSRLD(Imm(22), b, b)
	Comment("pack to bytes; the lanes come out as a0 b0 a1 b1, so exchange the middle")
	VPACKUSDW(b, a, a)
	VPERMQ(Imm(0xd8), a, a)
	lo, hi := a.AsX(), XMM()
	VEXTRACTI128(Imm(1), a, hi)
	VPACKUSWB(hi, lo, lo)
	VMOVDQU(lo, Mem{Base: dst, Index: x, Scale: 1})
	ADDQ(Imm(16), x)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}

// row: dst pixel i = (2²¹ + Σ k[i·size+j]·src pixel first[i]+j) >> 22 for j <
// count[i], at most 255 each. It reads one byte beyond the last source pixel
// and writes one beyond the last result.
func row() {
	TEXT("rowAVX2", NOSPLIT, "func(dst *uint8, src *uint8, first *int32, count *int32, k *uint32, size int, n int)")
	Pragma("noescape")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	first, count := Load(Param("first"), GP64()), Load(Param("count"), GP64())
	k, size, n := Load(Param("k"), GP64()), Load(Param("size"), GP64()), Load(Param("n"), GP64())
	SHLQ(Imm(2), size)
	half := XMM()
	VMOVDQU(repeated("roundHalfRow", 1<<21), half)
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
	VPSRLD(Imm(22), acc, acc)
	VPACKUSDW(acc, acc, acc)
	VPACKUSWB(acc, acc, acc)
	VMOVD(acc, Mem{Base: dst})
	ADDQ(Imm(3), dst)
	ADDQ(size, k)
	INCQ(i)
	JMP(LabelRef("pixel"))
	Label("done")
	VZEROUPPER()
	RET()
}

// idct: the 8×8 block b, dequantized, to samples at dst, rows stride apart. See
// internal/jpeg/idct.go for the method; here a register holds a row of eight.
func idct() {
	TEXT("idctAVX2", NOSPLIT, "func(b *int32, dst *uint8, stride int)")
	Pragma("noescape")
	b, dst, stride := Load(Param("b"), GP64()), Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	c := map[int]Mem{}
	for _, v := range []int32{2446, 3196, 4433, 6270, 7373, 9633, 12299, 15137, 16069, 16819, 20995, 25172} {
		c[int(v)] = repeated("idct"+itoa(int(v)), v)
	}
	half1 := repeated("idctHalf1", 1<<10)
	half2 := repeated("idctHalf2", 1<<17+128<<18)
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
	VZEROUPPER()
	RET()
}

func itoa(v int) string {
	if v < 10 {
		return string(rune('0' + v))
	}
	return itoa(v/10) + string(rune('0'+v%10))
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

// ycc: n pixels, a multiple of 8, of three planes to RGB. It writes 4 bytes
// beyond the last pixel.
func ycc() {
	TEXT("yccAVX2", NOSPLIT, "func(dst *uint8, y *uint8, cb *uint8, cr *uint8, n int)")
	Pragma("noescape")
	dst, yp := Load(Param("dst"), GP64()), Load(Param("y"), GP64())
	cbp, crp, n := Load(Param("cb"), GP64()), Load(Param("cr"), GP64()), Load(Param("n"), GP64())
	load := func(m Mem) VecVirtual { o := YMM(); VMOVDQU(m, o); return o }
	center, half := load(repeated("yccCenter", 128)), load(repeated("yccHalf", 1<<15))
	kr, kb := load(repeated("yccRed", 91881)), load(repeated("yccBlue", 116130))
	kgb, kgr := load(repeated("yccGreenCb", -22554)), load(repeated("yccGreenCr", -46802))
	zero, full := YMM(), load(repeated("yccFull", 255))
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
	squeeze := load(bytesConst("yccSqueeze", sh[:]))
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
	VZEROUPPER()
	RET()
}

// pick: dst pixel i = Σ w[i·size+j]·src pixel first[i]+j over j < count[i], of
// RGB float32, for i < n. It reads one float beyond the last source pixel and
// writes one beyond the last result.
func pick() {
	TEXT("pickAVX2", NOSPLIT, "func(dst *float32, src *float32, first *int32, count *int32, w *float32, size int, n int)")
	Pragma("noescape")
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
	VZEROUPPER()
	RET()
}

// curve: v[i] = Curve(v[i])·scale[i%24] + shift[i%24] for i < n, a multiple of
// 24. The numbers are those of internal/pixel/curve.go.
func curve() {
	TEXT("curveAVX2", NOSPLIT, "func(v *float32, n int, cells *float32, scale *float32, shift *float32)")
	Pragma("noescape")
	v, n := Load(Param("v"), GP64()), Load(Param("n"), GP64())
	cells := Load(Param("cells"), GP64())
	scale, shift := Load(Param("scale"), GP64()), Load(Param("shift"), GP64())
	f := func(name string, x float32) VecVirtual {
		o := YMM()
		VMOVUPS(repeated(name, int32(math.Float32bits(x))), o)
		return o
	}
	const edge, fineCells, midCells = 4.0, 256, 512
	lo, hi := f("curveLow", edge), f("curveHigh", 255-edge)
	full, fine := f("curveFull", 255), f("curveFine", fineCells/edge)
	mid := f("curveMid", float32(midCells/(255-2*edge)))
	bits := func(x float32) int32 { return int32(math.Float32bits(x)) }
	midAt, hiAt := repeated("curveMidAt", bits(fineCells)), repeated("curveHighAt", bits(fineCells+midCells))
	zero := YMM()
	VXORPS(zero, zero, zero)
	i := GP64()
	XORQ(i, i)
	Label("block")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	for part := range 3 {
		x, t, u, m := YMM(), YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: v, Disp: 32 * part}, x)
		VMAXPS(zero, x, x)
		VMINPS(full, x, x)
		Comment("t is the place in the table: by the part that x is in")
		VSUBPS(lo, x, t)
		VMULPS(mid, t, t)
		VADDPS(midAt, t, t)
		VMULPS(fine, x, u)
		VCMPPS(Imm(1), lo, x, m) // x < lo
		VBLENDVPS(m, u, t, t)
		VSUBPS(hi, x, u)
		VMULPS(fine, u, u)
		VADDPS(hiAt, u, u)
		VCMPPS(Imm(14), hi, x, m) // x > hi
		VBLENDVPS(m, u, t, t)
		at := YMM()
		VCVTTPS2DQ(t, at)
		VCVTDQ2PS(at, u)
		VSUBPS(u, t, t)
		VPCMPEQD(m, m, m)
		VGATHERDPS(m, Mem{Base: cells, Index: at, Scale: 8, Disp: 4}, x)
		VMULPS(x, t, t)
		VPCMPEQD(m, m, m)
		VGATHERDPS(m, Mem{Base: cells, Index: at, Scale: 8}, x)
		VADDPS(x, t, t)
		VMULPS(Mem{Base: scale, Disp: 32 * part}, t, t)
		VADDPS(Mem{Base: shift, Disp: 32 * part}, t, t)
		VMOVUPS(t, Mem{Base: v, Disp: 32 * part})
	}
	ADDQ(Imm(96), v)
	ADDQ(Imm(24), i)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}

// sample: bilinear samples of RGB bytes along a projective line, four at a
// time, until n are done or one of four lies outside the picture's inner part
// (limX, limY in 1/8192 pixels); it returns how many it did. See
// internal/pixel/sample.go for the arguments. It writes one float beyond the
// last sample and reads 8 bytes for a pair of pixels.
func sample() {
	TEXT("sampleAVX2", NOSPLIT, "func(dst *float32, n int, src *uint8, rowBytes int, limX uint32, limY uint32, l *float64) int")
	Pragma("noescape")
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	src, rowBytes := Load(Param("src"), GP64()), Load(Param("rowBytes"), GP64())
	l := Load(Param("l"), GP64())
	limX, limY, rb := XMM(), XMM(), XMM()
	for i, v := range []VecVirtual{limX, limY} {
		g := Load(Param([]string{"limX", "limY"}[i]), GP32())
		VMOVD(g, v)
		VPBROADCASTD(v, v)
	}
	VMOVD(rowBytes.(GPVirtual).As32(), rb)
	VPBROADCASTD(rb, rb)
	c64 := func(name string, x float64) Mem {
		b := make([]byte, 32)
		for i := range 4 {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(x))
		}
		return bytesConst(name, b)
	}
	one, scale, half := c64("sampleOne", 1), c64("sampleScale", 8192), c64("sampleHalf", 0.5)
	mask, round := repeated("sampleMask", 8191), repeated("sampleRound", 4096)
	full, unit := repeated("sampleFull", 8192), repeated("sampleUnit", int32(math.Float32bits(1.0/8192)))
	// l: base u, v, d; step u, v, d; then the offsets of the four, per u, v, d.
	var base [3]VecVirtual
	for i := range base {
		base[i] = YMM()
		VBROADCASTSD(Mem{Base: l, Disp: 8 * i}, base[i])
	}
	i := GP64()
	XORQ(i, i)
	Label("block")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	var at [2]VecVirtual
	{
		r := YMM()
		VADDPD(Mem{Base: l, Disp: 48 + 64}, base[2], r)
		o := YMM()
		VMOVUPD(one, o)
		VDIVPD(r, o, r)
		for k := range 2 {
			x := YMM()
			VADDPD(Mem{Base: l, Disp: 48 + 32*k}, base[k], x)
			VMULPD(r, x, x)
			VMULPD(scale, x, x)
			VADDPD(half, x, x)
			at[k] = XMM()
			VCVTTPD2DQY(x, at[k])
		}
	}
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
	for k := range base {
		s := YMM()
		VBROADCASTSD(Mem{Base: l, Disp: 24 + 8*k}, s)
		VADDPD(s, base[k], base[k])
	}
	Comment("fractions, weights, and byte offsets")
	fx, fy, both := XMM(), XMM(), XMM()
	VPAND(mask, at[0], fx)
	VPAND(mask, at[1], fy)
	VPMULLD(fx, fy, both)
	VPADDD(round, both, both)
	VPSRLD(Imm(13), both, both)
	VPSRLD(Imm(13), at[0], at[0])
	VPSRLD(Imm(13), at[1], at[1])
	off := XMM()
	VPMULLD(rb, at[1], off)
	VPADDD(at[0], off, off)
	VPADDD(at[0], off, off)
	VPADDD(at[0], off, off)
	VPSUBD(both, fx, fx) // upper right
	VPSUBD(both, fy, fy) // lower left
	left, right := XMM(), XMM()
	Comment("upper left = 8192 - fx - fy + both = 8192 - (fx-both) - (fy-both) - both")
	VMOVDQU(full, left)
	VPSUBD(fx, left, left)
	VPSUBD(fy, left, left)
	VPSUBD(both, left, left)
	VPSLLD(Imm(16), fy, fy)
	VPOR(fy, left, left) // (upper, lower) as 16-bit pairs
	VPSLLD(Imm(16), both, right)
	VPOR(fx, right, right)
	g, two := GP64(), GP64()
	for k := range 4 {
		if k%2 == 0 {
			if k == 0 {
				VMOVQ(off, two)
			} else {
				VPEXTRQ(Imm(1), off, two)
			}
			MOVL(two.As32(), g.As32())
		} else {
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
	ADDQ(Imm(48), dst)
	ADDQ(Imm(4), i)
	JMP(LabelRef("block"))
	Label("done")
	for k := range base {
		VMOVSD(base[k].AsX(), Mem{Base: l, Disp: 8 * k})
	}
	Store(i, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
