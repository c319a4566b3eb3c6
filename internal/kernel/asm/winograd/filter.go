package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func (v *transform) filter() {
	v.function("winoFilter", "func(n int, src []float32, srcStep, tap int, dst []float32, dstStep, stride int)",
		"computes U = G g Gᵀ; see winoFilterGo.",
		"for blocks of 16 channels { t = G g, column by column; for i in 6 { row i of U = t[i] Gᵀ } }")
	src, srcStep, tap := slice("src"), ints("srcStep"), times(ints("tap"), 3)
	dst, dstStep, xi := slice("dst"), ints("dstStep"), times(ints("stride"), 5)
	quarter, twelfth := v.constant(1.0/4), v.constant(1.0/12)
	sixth, m24 := v.constant(1.0/6), v.constant(1.0/24)
	p := GP64()
	tap6 := GP64()
	LEAQ(Mem{Base: tap.s3, Index: tap.s3, Scale: 1}, tap6)
	// g computes the six elements of G x.
	g := func(x [3]reg.VecVirtual, store func(i int, x reg.VecVirtual)) {
		store(0, v.Mul(x[0], quarter))
		a, b := v.Mul(v.Add(x[0], x[2]), sixth), v.Mul(x[1], sixth)
		// -(g0+g2)/6 - g1/6 and -(g0+g2)/6 + g1/6
		s, z := v.Add(a, b), v.Vec()
		VXORPS(z, z, z)
		store(1, v.Sub(z, s))
		store(2, v.Sub(b, a))
		c, d := isa.FMA(v.Mul(x[0], m24), x[2], sixth), v.Mul(x[1], twelfth)
		store(3, v.Add(c, d))
		store(4, v.Sub(c, d))
		store(5, x[2])
	}
	v.blocks("filter", src, srcStep, dst, dstStep, func(disp int) {
		var t [6][3]value
		MOVQ(src, p)
		for j := range 3 {
			x := [3]reg.VecVirtual{v.load(tap.of(p, 0, disp)), v.load(tap.of(p, 3, disp)),
				v.load(Mem{Base: p, Index: tap6, Scale: 1, Disp: disp})}
			g(x, func(i int, x reg.VecVirtual) { t[i][j] = v.keep(x) })
			ADDQ(tap.s, p)
		}
		MOVQ(dst, p)
		for i := range 6 {
			Commentf("Row %d of U", i)
			g([3]reg.VecVirtual{v.take(t[i][0]), v.take(t[i][1]), v.take(t[i][2])},
				func(j int, x reg.VecVirtual) { VMOVUPS(x, xi.of(p, j, disp)) })
			LEAQ(xi.of(p, 4, 0), p)
			LEAQ(xi.of(p, 2, 0), p)
		}
	})
}
