package main

import (
	"fmt"
	"math"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

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

// constants are the read-only floats of the file.
var constants = map[float32]Mem{}

// constant returns a vector of x in all lanes.
func (v *transform) constant(x float32) reg.VecVirtual {
	if _, ok := constants[x]; !ok {
		constants[x] = ConstData(constName(x), U32(math.Float32bits(x)))
	}
	r := v.Vec()
	VBROADCASTSS(constants[x], r)
	return r
}

func constName(x float32) string {
	return "wino_" + strings.NewReplacer(".", "_", "-", "m", "+", "").Replace(fmt.Sprintf("%g", x))
}
