package isa

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/neon"
)

// Tail is the mask of the lanes that the last, partial vector of a row has: a
// mask register of AVX-512, or a vector of AVX2 that is all ones in the lanes
// there are. For NEON, which has no masks, it is the lanes' number in a vector's
// lowest lane: general registers are few.
type Tail struct{ mask reg.Register }

// TailIn is the tail whose mask a kernel has made itself in mask.
func TailIn(mask reg.Register) *Tail { return &Tail{mask: mask} }

// NewTail makes the mask of the first n lanes, n in a register that it
// overwrites, 0 <= n < Lanes.
func (v *Set) NewTail(n reg.GPVirtual) *Tail {
	if v.Pairs {
		x := XMM()
		VMOVD(n.As32(), x)
		return &Tail{mask: x}
	}
	if v.Wide {
		Comment("mask = (1 << lanes of the last vector) - 1")
		one := GP64()
		MOVQ(operand.U32(1), one)
		MOVQ(n, reg.RCX)
		SHLQ(reg.CL, one)
		DECQ(one)
		k := K()
		KMOVW(one.As32(), k)
		return &Tail{mask: k}
	}
	Comment("mask: a window into 8 ones and 8 zeros, moved back by the lanes of the last vector")
	p := GP64()
	LEAQ(OnesThenZeros(8), p)
	NEGQ(n)
	y := YMM()
	VMOVUPS(operand.Mem{Base: p, Index: n, Scale: 4, Disp: 32}, y)
	return &Tail{mask: y}
}

// Keep sets the lanes of x past the tail to 0; without a tail it does nothing.
func (v *Set) Keep(x reg.VecVirtual, t *Tail) {
	switch {
	case t == nil:
	case v.Pairs:
		Instruction(neon.KeepPart(x, t.mask))
	case v.Wide:
		VMOVAPS_Z(x, t.mask, x)
	default:
		VANDPS(t.mask, x, x)
	}
}
