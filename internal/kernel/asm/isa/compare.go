package isa

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"
)

// Comparisons of VCMPPS. Quiet ones leave the processor's exception flags alone
// when there is a NaN.
var (
	LessSignaling    = operand.Imm(1)  // less-than, signaling
	GreaterSignaling = operand.Imm(14) // greater-than, signaling
	Greater          = operand.Imm(30) // greater-than, quiet
	NotGreater       = operand.Imm(26) // the opposite of Greater, quiet
	Unordered        = operand.Imm(3)  // either is a NaN, quiet
)

// KeepPositive sets g to 0 where y > 0 does not hold (NaN included).
func (v *Set) KeepPositive(g, y, zero reg.VecVirtual) {
	if v.Wide {
		k := K()
		VCMPPS(Greater, zero, y, k)
		VMOVUPS_Z(g, k, g)
		return
	}
	m := v.Vec()
	VCMPPS(Greater, zero, y, m)
	VANDPS(m, g, g)
}
