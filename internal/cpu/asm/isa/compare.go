package isa

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"
)

// Comparisons of VCMPPS, all quiet: ordered less-than and greater-than, the
// latter's opposite, and either-is-NaN.
var (
	Less       = operand.Imm(1)
	Greater    = operand.Imm(30)
	NotGreater = operand.Imm(26)
	Unordered  = operand.Imm(3)
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
