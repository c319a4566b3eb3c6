package isa

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"

	. "github.com/mmcloughlin/avo/build"
)

// tables are the read-only tables of the file so far, by name.
var tables = map[string]operand.Mem{}

// words returns the address of a table of 32-bit words, which stands in the
// file once.
func words(name string, n int, word func(i int) uint32) operand.Mem {
	m, ok := tables[name]
	if !ok {
		m = GLOBL(name, attr.RODATA|attr.NOPTR)
		for i := range n {
			DATA(4*i, operand.U32(word(i)))
		}
		tables[name] = m
	}
	return m
}

// OnesThenZeros is a table of n words of ones, then n of zeros: a window into
// it is a mask of AVX2.
func OnesThenZeros(n int) operand.Mem {
	return words(fmt.Sprintf("ones%d", n), 2*n, func(i int) uint32 {
		if i < n {
			return math.MaxUint32
		}
		return 0
	})
}

// LaneBits is a table of 8 words, of which word i has bit i.
func LaneBits() operand.Mem {
	return words("laneBits", 8, func(i int) uint32 { return 1 << i })
}

// Repeated is a table of n times x, which stands in the file once.
func Repeated(n int, x float32) operand.Mem {
	b := math.Float32bits(x)
	return words(fmt.Sprintf("float%dx%08x", n, b), n, func(int) uint32 { return b })
}

// Bytes is a constant of the bytes b, in number a multiple of 8.
func Bytes(name string, b []byte) operand.Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := 0; i < len(b); i += 8 {
		DATA(i, operand.U64(binary.LittleEndian.Uint64(b[i:])))
	}
	return m
}

// EightInts is a constant of eight times x.
func EightInts(name string, x int32) operand.Mem {
	b := make([]byte, 32)
	for i := range 8 {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(x))
	}
	return Bytes(name, b)
}

// EightFloats is a constant of eight times x.
func EightFloats(name string, x float32) operand.Mem {
	return EightInts(name, int32(math.Float32bits(x)))
}

// FourDoubles is a constant of four times x.
func FourDoubles(name string, x float64) operand.Mem {
	b := make([]byte, 32)
	for i := range 4 {
		binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(x))
	}
	return Bytes(name, b)
}
