package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// curve does 8 pixels at a time, as three vectors.
func curve() {
	isa.Kernel("curveVectors", "func(v *float32, n int, cells *float32, scale *float32, shift *float32)",
		"sets v[i] = Curve(v[i])*scale[i%24] + shift[i%24] for i < n, n a multiple of 24; see curveTwin.",
		"for i in n by 24 { x = v in 0 to 255; t = place in the table; v = (cell[int t].Value + cell[int t].Slope * (t - int t)) * scale + shift }")
	v, n := Load(Param("v"), GP64()), Load(Param("n"), GP64())
	cells := Load(Param("cells"), GP64())
	scale, shift := Load(Param("scale"), GP64()), Load(Param("shift"), GP64())
	load := func(m Mem) VecVirtual { return set.Load(m, nil) }
	edge, fineCells, middleCells := float32(pixel.Const("Edge")), float32(pixel.Const("FineCells")), float32(pixel.Const("MiddleCells"))
	lo, hi := load(isa.EightFloats("curveLow", edge)), load(isa.EightFloats("curveHigh", 255-edge))
	full, fine := load(isa.EightFloats("curveFull", 255)), load(isa.EightFloats("curveFine", fineCells/edge))
	mid := load(isa.EightFloats("curveMid", middleCells/(255-2*edge)))
	midAt, hiAt := isa.EightFloats("curveMidAt", fineCells), isa.EightFloats("curveHighAt", fineCells+middleCells)
	zero := set.Zero()
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
		VCMPPS(isa.LessSignaling, lo, x, m) // x < lo
		VBLENDVPS(m, u, t, t)
		VSUBPS(hi, x, u)
		VMULPS(fine, u, u)
		VADDPS(hiAt, u, u)
		VCMPPS(isa.GreaterSignaling, hi, x, m) // x > hi
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
	isa.End()
}
