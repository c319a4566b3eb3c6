package weights

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// DType is the type of an Array's elements in memory.
type DType uint8

// The element types. Narrower types in a file are widened, exactly, when it is
// read: float16 and bfloat16 to F32; int8, int16, int32, uint16 and uint32 to
// I64; booleans to U8 (0 or 1).
const (
	F32 DType = iota
	F64
	I64
	U8
)

// String returns the safetensors name of the type, such as "F32".
func (d DType) String() string {
	switch d {
	case F32:
		return "F32"
	case F64:
		return "F64"
	case I64:
		return "I64"
	case U8:
		return "U8"
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// Array is a named, dense, row-major array. The field that DType names holds
// the elements, as many as the product of Shape (1 for a scalar, whose Shape
// is empty); the other three are nil. The zero DType is F32, so that a literal
// with Name, Shape and F32 is complete.
type Array struct {
	Name  string
	Shape []int
	DType DType

	F32 []float32
	F64 []float64
	I64 []int64
	U8  []uint8
}

// Len returns the number of elements that are stored.
func (a *Array) Len() int {
	switch a.DType {
	case F32:
		return len(a.F32)
	case F64:
		return len(a.F64)
	case I64:
		return len(a.I64)
	case U8:
		return len(a.U8)
	}
	return 0
}

// Float32s returns the elements as float32: F32 itself, not a copy, or the
// other types converted to the nearest float32.
func (a *Array) Float32s() []float32 {
	switch a.DType {
	case F64:
		return convert(a.F64)
	case I64:
		return convert(a.I64)
	case U8:
		return convert(a.U8)
	}
	return a.F32
}

func convert[T float64 | int64 | uint8](in []T) []float32 {
	out := make([]float32, len(in))
	for i, v := range in {
		out[i] = float32(v)
	}
	return out
}

// Check reports an array whose shape, type and values disagree.
func (a *Array) Check() error {
	n, err := sizeOf(a.Shape)
	if err != nil {
		return fmt.Errorf("array %s: %w", quote(a.Name), err)
	}
	if a.DType > U8 {
		return fmt.Errorf("array %s has the unknown type %s", quote(a.Name), a.DType)
	}
	if a.Len() != n {
		return fmt.Errorf("array %s of type %s and shape %v needs %d values, it has %d", quote(a.Name), a.DType, a.Shape, n, a.Len())
	}
	if len(a.F32)+len(a.F64)+len(a.I64)+len(a.U8) != n {
		return fmt.Errorf("array %s of type %s also has values of another type", quote(a.Name), a.DType)
	}
	return nil
}

// maxRank bounds the number of dimensions; NumPy and PyTorch stop at 64.
const maxRank = 64

// maxArrays bounds how many arrays a file may have. The largest networks have a
// few thousand; an array that holds nothing costs its file 60 bytes, and the
// program a thousand.
const maxArrays = 1 << 16

// sizeOf returns the number of elements of a shape that comes from a file.
func sizeOf[T int | int64](shape []T) (int, error) {
	if len(shape) > maxRank {
		return 0, fmt.Errorf("%d dimensions, the limit is %d", len(shape), maxRank)
	}
	n, zero := 1, false
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		case d == 0:
			zero = true
		case uint64(d) > math.MaxInt || n > math.MaxInt/int(d):
			// Checked even beside a zero, so that no later product of
			// dimensions overflows.
			return 0, fmt.Errorf("shape %v has too many elements", shape)
		default:
			n *= int(d)
		}
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// quote shows a string of a file in an error.
func quote(s string) string { return pickle.Quote(s) }
