package isa

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"
)

// Copy returns x in a new register.
func (v *Set) Copy(x reg.VecVirtual) reg.VecVirtual {
	r := v.Vec()
	VMOVAPS(x, r)
	return r
}

// Add returns a+b in a new register; b may be memory.
func (v *Set) Add(a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	r := v.Vec()
	VADDPS(b, a, r)
	return r
}

// Sub returns a-b in a new register; b may be memory.
func (v *Set) Sub(a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	r := v.Vec()
	VSUBPS(b, a, r)
	return r
}

// Mul returns a*b in a new register; b may be memory.
func (v *Set) Mul(a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	r := v.Vec()
	VMULPS(b, a, r)
	return r
}

// FMA adds a*b to d, rounding once, and returns d; b may be memory.
func FMA(d, a reg.VecVirtual, b operand.Op) reg.VecVirtual { VFMADD231PS(b, a, d); return d }

// FNMA subtracts a*b from d, rounding once, and returns d; b may be memory.
func FNMA(d, a reg.VecVirtual, b operand.Op) reg.VecVirtual { VFNMADD231PS(b, a, d); return d }
