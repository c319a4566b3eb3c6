package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is what differs between the instruction sets. A kernel is written once,
// for one vector of channels: a block of 16 channels is one vector of AVX-512
// and two of AVX2, where a transform has more values than there are registers
// and the ones between its two passes wait on the stack.
type isa struct {
	name  string
	width int // bytes of a vector
	regs  bool
	stack Mem // 36 vectors, unless regs
	next  int // the next free of them
}

var (
	avx512 = &isa{name: "AVX512", width: 64, regs: true}
	avx2   = &isa{name: "AVX2", width: 32}
)

// halves returns how many vectors make a block of 16 channels.
func (v *isa) halves() int { return 64 / v.width }

func (v *isa) vec() reg.VecVirtual {
	if v.width == 64 {
		return ZMM()
	}
	return YMM()
}

// function begins a kernel.
func (v *isa) function(name, signature, doc string) {
	attr := NOSPLIT
	if !v.regs {
		attr = 0 // the frame is too large for NOSPLIT
	}
	TEXT(name+v.name, attr, signature)
	Pragma("noescape")
	Doc(name + v.name + " " + doc)
	if !v.regs {
		v.stack = AllocLocal(36 * v.width)
	}
}

// value is something between the two passes: in a register, or on the stack.
type value struct {
	r reg.VecVirtual
	m Mem
}

// keep puts r aside; r must not be written afterwards.
func (v *isa) keep(r reg.VecVirtual) value {
	if v.regs {
		return value{r: r}
	}
	m := v.stack.Offset(v.next * v.width)
	v.next++
	VMOVUPS(r, m)
	return value{m: m}
}

// take returns a kept value in a register that the caller may write. It is
// taken once.
func (v *isa) take(x value) reg.VecVirtual {
	if v.regs {
		return x.r
	}
	return v.load(x.m)
}

// release forgets all kept values.
func (v *isa) release() { v.next = 0 }

func (v *isa) load(m Op) reg.VecVirtual {
	r := v.vec()
	VMOVUPS(m, r)
	return r
}

func (v *isa) copy(x reg.VecVirtual) reg.VecVirtual {
	r := v.vec()
	VMOVAPS(x, r)
	return r
}

// constants are the read-only floats of the file.
var constants = map[float32]Mem{}

// constant returns a vector of x in all lanes.
func (v *isa) constant(x float32) reg.VecVirtual {
	if _, ok := constants[x]; !ok {
		constants[x] = ConstData(constName(x), U32(math.Float32bits(x)))
	}
	r := v.vec()
	VBROADCASTSS(constants[x], r)
	return r
}

// add returns a+b in a new register; b may be memory.
func (v *isa) add(a reg.VecVirtual, b Op) reg.VecVirtual {
	r := v.vec()
	VADDPS(b, a, r)
	return r
}

// sub returns a-b in a new register; b may be memory.
func (v *isa) sub(a reg.VecVirtual, b Op) reg.VecVirtual {
	r := v.vec()
	VSUBPS(b, a, r)
	return r
}

// mul returns a*b in a new register.
func (v *isa) mul(a reg.VecVirtual, b Op) reg.VecVirtual {
	r := v.vec()
	VMULPS(b, a, r)
	return r
}

// fma adds a*b to d.
func fma(d, a reg.VecVirtual, b Op) reg.VecVirtual { VFMADD231PS(b, a, d); return d }

// fnma subtracts a*b from d.
func fnma(d, a reg.VecVirtual, b Op) reg.VecVirtual { VFNMADD231PS(b, a, d); return d }

// ints loads an int parameter as a distance in bytes.
func ints(name string) reg.GPVirtual {
	r := GP64()
	Load(Param(name), r)
	SHLQ(Imm(2), r)
	return r
}

func slice(name string) reg.GPVirtual {
	r := GP64()
	Load(Param(name).Base(), r)
	return r
}

// multiples holds a stride and its products, to reach six elements from one
// base register: 1, 2 and 4 by scaling, 3 and 5 in registers of their own.
type multiples struct{ s, s3, s5 reg.GPVirtual }

func times(s reg.GPVirtual, most int) multiples {
	m := multiples{s: s}
	if most >= 3 {
		m.s3 = GP64()
		LEAQ(Mem{Base: s, Index: s, Scale: 2}, m.s3)
	}
	if most >= 5 {
		m.s5 = GP64()
		LEAQ(Mem{Base: s, Index: s, Scale: 4}, m.s5)
	}
	return m
}

// of returns the address base + i*stride + disp.
func (m multiples) of(base reg.GPVirtual, i, disp int) Mem {
	switch i {
	case 0:
		return Mem{Base: base, Disp: disp}
	case 1, 2, 4:
		return Mem{Base: base, Index: m.s, Scale: uint8(i), Disp: disp}
	case 3:
		return Mem{Base: base, Index: m.s3, Scale: 1, Disp: disp}
	case 5:
		return Mem{Base: base, Index: m.s5, Scale: 1, Disp: disp}
	}
	panic("stride multiple out of range")
}
