package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// floats are numbers that a kernel uses, a vector of each: in registers as far as
// there are any to spare, else in memory, where instructions read them.
type floats struct {
	v    *isa.Set
	held map[uint32]reg.VecVirtual // by the number's bits
}

// spareRegisters is how many registers of AVX-512 hold numbers. AVX2 has none
// to spare.
const spareRegisters = 20

// newFloats loads what is held in registers of the given numbers.
func newFloats(v *isa.Set, of []float32) floats {
	f := floats{v, map[uint32]reg.VecVirtual{}}
	if v.Wide {
		for _, x := range of[:min(len(of), spareRegisters)] {
			f.held[math.Float32bits(x)] = v.Splat(isa.Repeated(v.Lanes(), x))
		}
	}
	return f
}

// operand returns a vector of x for an instruction to read.
func (f floats) operand(x float32) Op {
	if r, ok := f.held[math.Float32bits(x)]; ok {
		return r
	}
	return isa.Repeated(f.v.Lanes(), x)
}

// register returns a vector of x in a register that must not change.
func (f floats) register(x float32) reg.VecVirtual {
	if r, ok := f.held[math.Float32bits(x)]; ok {
		return r
	}
	return f.fresh(x)
}

// fresh returns a vector of x in a new register.
func (f floats) fresh(x float32) reg.VecVirtual {
	r := f.v.Vec()
	if held, ok := f.held[math.Float32bits(x)]; ok {
		VMOVAPS(held, r)
	} else {
		VMOVUPS(isa.Repeated(f.v.Lanes(), x), r)
	}
	return r
}
