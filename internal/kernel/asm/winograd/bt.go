package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// points lists the points of a tile side: one of four results uses all six,
// one of three leaves out -2.
func points(side int) []int {
	if side == 4 {
		return []int{0, 1, 2, 3, 4, 5}
	}
	return []int{0, 1, 2, 3, 5}
}

// bt computes Bᵀd into store. d is overwritten.
func (v *transform) bt(d []reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	if len(d) == 5 {
		v.bt3(d, k, store)
		return
	}
	c, e := v.Sub(d[4], d[2]), v.Sub(d[3], d[1])
	VSUBPS(d[2], d[0], d[0])     // d0-d2
	VSUBPS(d[3], d[5], d[5])     // d5-d3
	isa.FNMA(d[4], d[2], k.four) // a = d4-4*d2
	isa.FNMA(d[3], d[1], k.four) // b = d3-4*d1
	VFMADD213PS(c, k.four, d[0])
	store(0, d[0])
	store(1, v.Add(d[4], d[3]))
	store(2, v.Sub(d[4], d[3]))
	store(3, isa.FMA(v.Copy(c), e, k.two))
	store(4, isa.FNMA(c, e, k.two))
	store(5, isa.FNMA(d[5], e, k.four))
}

// bt3 is bt for a side of three.
func (v *transform) bt3(d []reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	e := v.Sub(d[3], d[1])
	VSUBPS(d[2], d[0], d[0])
	r := v.Mul(e, k.two)
	store(0, isa.FMA(v.Copy(r), d[0], k.four))
	VSUBPS(d[2], d[4], d[4])
	store(5, v.Sub(d[4], r))
	v.bt3middle(d[1], d[2], e, k, store)
}

// bt3middle computes elements 1, 2 and 3 of bt3 from d1, d2 and e = d3-d1:
// 3*(e-d1-d2), e+3*(d1-d2) and 4*e.
func (v *transform) bt3middle(d1, d2, e reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	s := v.Sub(e, d1)
	VSUBPS(d2, s, s)
	VMULPS(k.three, s, s)
	store(1, s)
	VSUBPS(d2, d1, d1)
	store(2, isa.FMA(v.Copy(e), d1, k.three))
	store(3, v.Mul(e, k.four))
}

// consts are the constants of the transforms.
type consts struct{ two, three, four reg.VecVirtual }
