package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is what differs between the instruction sets.
type isa struct {
	name  string
	bytes int // of a vector
	wide  bool
}

var (
	avx512 = &isa{name: "AVX512", bytes: 64, wide: true}
	avx2   = &isa{name: "AVX2", bytes: 32}
)

func (v *isa) lanes() int { return v.bytes / 4 }

// vec returns a new virtual register.
func (v *isa) vec() reg.VecVirtual {
	if v.wide {
		return ZMM()
	}
	return YMM()
}

func (v *isa) zero() reg.VecVirtual {
	z := v.vec()
	v.clear(z)
	return z
}

func (v *isa) clear(z reg.VecVirtual) {
	if v.wide {
		VPXORD(z, z, z)
	} else {
		VXORPS(z, z, z)
	}
}

// tail is the mask of the lanes that the last, partial vector of a row has.
type tail struct {
	k reg.OpmaskVirtual // AVX-512
	y reg.VecVirtual    // AVX2: all ones in the lanes there are
}

// newTail makes the mask of the first n lanes, n in a register that it
// overwrites, 0 <= n < lanes.
func (v *isa) newTail(n reg.GPVirtual) tail {
	if v.wide {
		Comment("mask = (1 << lanes of the last vector) - 1")
		one := GP64()
		MOVQ(U32(1), one)
		MOVQ(n, reg.RCX)
		SHLQ(reg.CL, one)
		DECQ(one)
		k := K()
		KMOVW(one.As32(), k)
		return tail{k: k}
	}
	Comment("mask: a window into 8 ones and 8 zeros, moved back by the lanes of the last vector")
	p := GP64()
	LEAQ(maskTable(), p)
	NEGQ(n)
	y := YMM()
	VMOVUPS(Mem{Base: p, Index: n, Scale: 4, Disp: 32}, y)
	return tail{y: y}
}

var table *Mem

// maskTable is 8 words of ones and 8 words of zeros.
func maskTable() Mem {
	if table == nil {
		GLOBL("ewMasks", RODATA|NOPTR)
		for i := range 16 {
			ones := uint32(0)
			if i < 8 {
				ones = 0xffffffff
			}
			DATA(i*4, U32(ones))
		}
		m := NewDataAddr(Symbol{Name: "ewMasks", Static: true}, 0)
		table = &m
	}
	return *table
}

// load returns m's vector, its missing lanes 0 when t is not nil.
func (v *isa) load(m Mem, t *tail) reg.VecVirtual {
	r := v.vec()
	switch {
	case t == nil:
		VMOVUPS(m, r)
	case v.wide:
		VMOVUPS_Z(m, t.k, r)
	default:
		VMASKMOVPS(m, t.y, r)
	}
	return r
}

func (v *isa) store(r reg.VecVirtual, m Mem, t *tail) {
	switch {
	case t == nil:
		VMOVUPS(r, m)
	case v.wide:
		VMOVUPS(r, t.k, m)
	default:
		VMASKMOVPS(r, t.y, m)
	}
}

// Comparisons of VCMPPS, all quiet: ordered greater-than, its opposite, and
// either-is-NaN.
var (
	greater    = Imm(30)
	notGreater = Imm(26)
	unordered  = Imm(3)
)

// storeSigns writes a bit for each lane of y, whether it is above 0: 2 bytes or 1.
func (v *isa) storeSigns(y, zero reg.VecVirtual, m Mem) {
	if v.wide {
		k := K()
		VCMPPS(greater, zero, y, k)
		KMOVW(k, m)
		return
	}
	t, bits := v.vec(), GP32()
	VCMPPS(greater, zero, y, t)
	VMOVMSKPS(t, bits)
	MOVB(bits.As8(), m)
}

// keepSigns sets g to 0 in the lanes whose bit at m is 0.
func (v *isa) keepSigns(g reg.VecVirtual, m Mem) {
	if v.wide {
		k := K()
		KMOVW(m, k)
		VMOVUPS_Z(g, k, g)
		return
	}
	t := v.vec()
	VPBROADCASTB(m, t)
	VPAND(laneBits(), t, t)
	VPCMPEQD(laneBits(), t, t)
	VANDPS(t, g, g)
}

var bits *Mem

// laneBits is 8 words, of which word i has bit i.
func laneBits() Mem {
	if bits == nil {
		GLOBL("ewLaneBits", RODATA|NOPTR)
		for i := range 8 {
			DATA(i*4, U32(1<<i))
		}
		m := NewDataAddr(Symbol{Name: "ewLaneBits", Static: true}, 0)
		bits = &m
	}
	return *bits
}

// nextSigns moves a pointer to signs on by n vectors.
func (v *isa) nextSigns(p reg.GPVirtual, n int) { ADDQ(Imm(uint64(n*v.bytes/32)), p) }

// nextSignRow moves a pointer that is past the signs of a row's last vector to
// the next row: rows have whole pairs of bytes.
func (v *isa) nextSignRow(p reg.GPVirtual) {
	if !v.wide {
		INCQ(p)
		ANDQ(I8(-2), p)
	}
}

// keepPositive sets g to 0 where y > 0 does not hold (NaN included).
func (v *isa) keepPositive(g, y, zero reg.VecVirtual) {
	if v.wide {
		k := K()
		VCMPPS(greater, zero, y, k)
		VMOVUPS_Z(g, k, g)
		return
	}
	m := v.vec()
	VCMPPS(greater, zero, y, m)
	VANDPS(m, g, g)
}
