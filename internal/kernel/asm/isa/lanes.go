package isa

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"
)

// SumLanes sets all lanes of x to their sum.
func (v *Set) SumLanes(x reg.VecVirtual) {
	v.fold(x, func(a, b reg.VecVirtual) { VADDPS(b, a, a) })
}

// MaxLanes sets all lanes of x to the largest. Of a NaN nothing is known.
func (v *Set) MaxLanes(x reg.VecVirtual) {
	v.fold(x, func(a, b reg.VecVirtual) { VMAXPS(b, a, a) })
}

// fold joins the halves of x, the quarters of these, and so on, each time with
// the two exchanged, so that all lanes end with the same.
func (v *Set) fold(x reg.VecVirtual, join func(a, b reg.VecVirtual)) {
	t := v.Vec()
	if v.Wide {
		VSHUFF32X4(operand.Imm(0x4E), x, x, t)
		join(x, t)
		VSHUFF32X4(operand.Imm(0xB1), x, x, t)
	} else {
		VPERM2F128(operand.Imm(1), x, x, t)
	}
	join(x, t)
	VPERMILPS(operand.Imm(0x4E), x, t)
	join(x, t)
	VPERMILPS(operand.Imm(0xB1), x, t)
	join(x, t)
}
