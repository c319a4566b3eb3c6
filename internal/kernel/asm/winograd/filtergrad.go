package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func (v *transform) filterGrad() {
	v.function("winoFilterGrad", "func(n int, src []float32, srcStep, stride int, dst []float32, dstStep, tap int)",
		"computes dg = Gᵀ dU G; see winoFilterGradGo.",
		"for blocks of 16 channels { t = dU G, row by row; for j in 3 { column j of dg = Gᵀ t[j] } }")
	src, srcStep, xi := slice("src"), ints("srcStep"), times(ints("stride"), 5)
	dst, dstStep, tap := slice("dst"), ints("dstStep"), times(ints("tap"), 3)
	quarter, twelfth := v.constant(1.0/4), v.constant(1.0/12)
	sixth, m24 := v.constant(1.0/6), v.constant(1.0/24)
	p := GP64()
	// gt computes the three elements of Gᵀu.
	gt := func(u [6]reg.VecVirtual, store func(i int, x reg.VecVirtual)) {
		s1, d1 := v.Add(u[1], u[2]), v.Sub(u[2], u[1])
		s2, d2 := v.Add(u[3], u[4]), v.Sub(u[3], u[4])
		o := v.Mul(u[0], quarter)
		isa.FNMA(o, s1, sixth)
		store(0, isa.FMA(o, s2, m24))
		o = v.Mul(d1, sixth)
		store(1, isa.FMA(o, d2, twelfth))
		VSUBPS(s1, s2, s2)
		store(2, isa.FMA(u[5], s2, sixth))
	}
	v.blocks("filterGrad", src, srcStep, dst, dstStep, func(disp int) {
		Comment("Rows of dU: dU G")
		var t [3][6]value
		MOVQ(src, p)
		for i := range 6 {
			var u [6]reg.VecVirtual
			for j := range u {
				u[j] = v.load(xi.of(p, j, disp))
			}
			gt(u, func(j int, x reg.VecVirtual) { t[j][i] = v.keep(x) })
			LEAQ(xi.of(p, 4, 0), p)
			LEAQ(xi.of(p, 2, 0), p)
		}
		MOVQ(dst, p)
		for j := range 3 {
			Commentf("Column %d of dg", j)
			var u [6]reg.VecVirtual
			for i := range u {
				u[i] = v.take(t[j][i])
			}
			q := GP64()
			MOVQ(p, q)
			gt(u, func(i int, x reg.VecVirtual) {
				VMOVUPS(x, Mem{Base: q, Disp: disp})
				if i < 2 {
					ADDQ(tap.s3, q)
				}
			})
			ADDQ(tap.s, p)
		}
	})
}
