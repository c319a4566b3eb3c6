package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// storeMask writes a bit for each lane of y, whether it is above 0: 2 bytes or 1.
func storeMask(v *isa.Set, y, zero reg.VecVirtual, m Mem) {
	if v.Wide {
		k := K()
		VCMPPS(isa.Greater, zero, y, k)
		KMOVW(k, m)
		return
	}
	t, bits := v.Vec(), GP32()
	VCMPPS(isa.Greater, zero, y, t)
	VMOVMSKPS(t, bits)
	MOVB(bits.As8(), m)
}

// keepMasked sets g to 0 in the lanes whose bit at m is 0.
func keepMasked(v *isa.Set, g reg.VecVirtual, m Mem) {
	if v.Wide {
		k := K()
		KMOVW(m, k)
		VMOVUPS_Z(g, k, g)
		return
	}
	t := v.Vec()
	VPBROADCASTB(m, t)
	VPAND(isa.LaneBits(), t, t)
	VPCMPEQD(isa.LaneBits(), t, t)
	VANDPS(t, g, g)
}

// nextMask moves a pointer to a mask on by n vectors.
func nextMask(v *isa.Set, p reg.GPVirtual, n int) { ADDQ(Imm(uint64(n*v.Bytes/32)), p) }

// nextMaskRow moves a pointer that is past the mask of a row's last vector to
// the next row: rows have whole pairs of bytes.
func nextMaskRow(v *isa.Set, p reg.GPVirtual) {
	if !v.Wide {
		INCQ(p)
		ANDQ(I8(-2), p)
	}
}
