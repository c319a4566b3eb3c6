// Package isa is what the generators of kernels share: the instruction sets
// with their registers, partial vectors, loads and stores, the read-only
// tables of a file, and how a kernel takes its arguments.
package isa

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/neon"
)

// Set is an instruction set, as far as kernels differ by it: AVX-512 has twice
// as wide vectors as AVX2, twice as many of them, and masks in registers of
// their own.
type Set struct {
	Name  string // how the names of its kernels end
	Bytes int    // of a vector
	Wide  bool   // AVX-512
	Pairs bool   // NEON: a vector is a pair of its registers, see package neon
}

// The instruction sets that there are kernels for.
var (
	AVX512 = &Set{Name: "AVX512", Bytes: 64, Wide: true}
	AVX2   = &Set{Name: "AVX2", Bytes: 32}

	NEON = &Set{Name: "NEON", Bytes: 32, Pairs: true}

	All = []*Set{AVX512, AVX2}
)

// NonTemporal lists the ways to store that v has: with false, and with true where
// there are non-temporal stores.
func (v *Set) NonTemporal() []bool {
	if v.Pairs {
		return []bool{false}
	}
	return []bool{false, true}
}

// Lanes is how many float32 make a vector.
func (v *Set) Lanes() int { return v.Bytes / 4 }

// Vec returns a new vector register, which avo assigns.
func (v *Set) Vec() reg.VecVirtual {
	if v.Wide {
		return ZMM()
	}
	return YMM()
}

// Vecs returns n new vector registers.
func (v *Set) Vecs(n int) []reg.VecVirtual {
	r := make([]reg.VecVirtual, n)
	for i := range r {
		r[i] = v.Vec()
	}
	return r
}

// Reg returns vector register i of the processor, for kernels that assign
// their registers themselves.
func (v *Set) Reg(i int) reg.VecPhysical {
	if v.Wide {
		return zmm[i]
	}
	return ymm[i]
}

var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var ymm = []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

// Clear sets all of z to 0.
func (v *Set) Clear(z reg.Register) {
	if v.Wide {
		VPXORD(z, z, z)
	} else {
		VXORPS(z, z, z)
	}
}

// Zero returns a vector of zeros.
func (v *Set) Zero() reg.VecVirtual {
	z := v.Vec()
	v.Clear(z)
	return z
}

// Load returns the vector at m, its lanes past the tail 0. Without a tail all
// lanes are loaded.
func (v *Set) Load(m operand.Op, t *Tail) reg.VecVirtual {
	r := v.Vec()
	v.LoadTo(m, r, t)
	return r
}

// LoadTo is Load into r.
func (v *Set) LoadTo(m operand.Op, r reg.Register, t *Tail) {
	switch {
	case t == nil:
		VMOVUPS(m, r)
	case v.Pairs:
		Instruction(neon.LoadPart(m, t.mask, r))
	case v.Wide:
		VMOVUPS_Z(m, t.mask, r)
	default:
		VMASKMOVPS(m, t.mask, r)
	}
}

// Store stores r's lanes, with a tail those that it has.
func (v *Set) Store(r reg.Register, m operand.Op, t *Tail) {
	switch {
	case t == nil:
		VMOVUPS(r, m)
	case v.Pairs:
		Instruction(neon.StorePart(r, t.mask, m))
	case v.Wide:
		VMOVUPS(r, t.mask, m)
	default:
		VMASKMOVPS(r, t.mask, m)
	}
}

// StoreNonTemporal stores r with a hint to leave the caches alone, to an address that is a multiple
// of the vector's size. Fence must follow before others may read it.
func (v *Set) StoreNonTemporal(r reg.Register, m operand.Op) { VMOVNTPS(r, m) }

// Fence orders non-temporal stores before what follows.
func Fence() { SFENCE() }

// Splat returns a vector of the float at m.
func (v *Set) Splat(m operand.Op) reg.VecVirtual {
	r := v.Vec()
	VBROADCASTSS(m, r)
	return r
}

// SplatInt returns a vector of the 32-bit integer in r.
func (v *Set) SplatInt(r reg.GPVirtual) reg.VecVirtual {
	x := v.Vec()
	if v.Wide {
		VPBROADCASTD(r.As32(), x)
	} else {
		t := XMM()
		VMOVD(r.As32(), t)
		VPBROADCASTD(t, x)
	}
	return x
}

// End ends a kernel that has used vectors.
func End() {
	VZEROUPPER()
	RET()
}
