package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// element is a type of number as files store it, always little-endian.
type element struct {
	name  string // safetensors' name
	size  int    // bytes in the file
	dtype DType  // what it becomes in memory
}

var (
	elemF64  = &element{"F64", 8, F64}
	elemF32  = &element{"F32", 4, F32}
	elemF16  = &element{"F16", 2, F32}
	elemBF16 = &element{"BF16", 2, F32}
	elemI64  = &element{"I64", 8, I64}
	elemU64  = &element{"U64", 8, I64}
	elemI32  = &element{"I32", 4, I64}
	elemU32  = &element{"U32", 4, I64}
	elemI16  = &element{"I16", 2, I64}
	elemU16  = &element{"U16", 2, I64}
	elemI8   = &element{"I8", 1, I64}
	elemU8   = &element{"U8", 1, U8}
	elemBool = &element{"BOOL", 1, U8}
)

// elements finds an element by safetensors' name.
var elements = func() map[string]*element {
	m := map[string]*element{}
	for _, e := range []*element{elemF64, elemF32, elemF16, elemBF16, elemI64, elemU64, elemI32, elemU32, elemI16, elemU16, elemI8, elemU8, elemBool} {
		m[e.name] = e
	}
	return m
}()

// Size returns the bytes of one element in memory.
func (d DType) Size() int {
	switch d {
	case F32:
		return 4
	case U8:
		return 1
	}
	return 8
}

// element returns how d is written.
func (d DType) element() *element {
	switch d {
	case F64:
		return elemF64
	case I64:
		return elemI64
	case U8:
		return elemU8
	}
	return elemF32
}

// chunk is how much is read before it is converted: small beside the second
// level cache, and a multiple of every element size.
const chunk = 64 << 10

// read fills the storage field of a with n elements that begin at byte off of
// r. The caller has checked n against the size of the file.
func (e *element) read(a *Array, r io.ReaderAt, off int64, n int) error {
	a.DType = e.dtype
	switch e.dtype {
	case F32:
		a.F32 = make([]float32, n)
	case F64:
		a.F64 = make([]float64, n)
	case I64:
		a.I64 = make([]int64, n)
	case U8:
		a.U8 = make([]uint8, n)
	}
	buf := make([]byte, min(chunk/e.size, n)*e.size)
	for done := 0; done < n; {
		count := min(n-done, len(buf)/e.size)
		b := buf[:count*e.size]
		if got, err := r.ReadAt(b, off); got < len(b) {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("reading %d bytes at offset %d: %w", len(b), off, err)
		}
		if err := e.decode(a, done, count, b); err != nil {
			return err
		}
		done += count
		off += int64(len(b))
	}
	return nil
}

// decode converts count elements in b to a's elements from index at on.
// Floating point numbers keep their bits, NaN payloads included.
func (e *element) decode(a *Array, at, count int, b []byte) error {
	le := binary.LittleEndian
	switch e {
	case elemF32:
		out := a.F32[at : at+count]
		for i := range out {
			out[i] = math.Float32frombits(le.Uint32(b[4*i:]))
		}
	case elemF16:
		out := a.F32[at : at+count]
		for i := range out {
			out[i] = halfToFloat32(le.Uint16(b[2*i:]))
		}
	case elemBF16:
		out := a.F32[at : at+count]
		for i := range out {
			out[i] = math.Float32frombits(uint32(le.Uint16(b[2*i:])) << 16)
		}
	case elemF64:
		out := a.F64[at : at+count]
		for i := range out {
			out[i] = math.Float64frombits(le.Uint64(b[8*i:]))
		}
	case elemU8:
		copy(a.U8[at:at+count], b)
	case elemBool:
		out := a.U8[at : at+count]
		for i := range out {
			if b[i] > 1 {
				return fmt.Errorf("element %d is the byte %d, a boolean is 0 or 1", at+i, b[i])
			}
			out[i] = b[i]
		}
	default:
		return e.decodeInts(a.I64[at:at+count], at, b)
	}
	return nil
}

func (e *element) decodeInts(out []int64, at int, b []byte) error {
	le := binary.LittleEndian
	for i := range out {
		switch e {
		case elemI64:
			out[i] = int64(le.Uint64(b[8*i:]))
		case elemU64:
			v := le.Uint64(b[8*i:])
			if v > math.MaxInt64 {
				return fmt.Errorf("element %d is %d, above the largest int64", at+i, v)
			}
			out[i] = int64(v)
		case elemI32:
			out[i] = int64(int32(le.Uint32(b[4*i:])))
		case elemU32:
			out[i] = int64(le.Uint32(b[4*i:]))
		case elemI16:
			out[i] = int64(int16(le.Uint16(b[2*i:])))
		case elemU16:
			out[i] = int64(le.Uint16(b[2*i:]))
		case elemI8:
			out[i] = int64(int8(b[i]))
		default:
			return fmt.Errorf("no integer type is called %s", e.name)
		}
	}
	return nil
}

// halfToFloat32 widens an IEEE 754 binary16 number exactly.
func halfToFloat32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h) & 0x3ff
	switch {
	case exponent == 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	case exponent == 0: // zero and subnormal: fraction * 2^-24
		v := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// encode appends the elements of a from index at on, count of them, to b.
func encode(b []byte, a *Array, at, count int) []byte {
	le := binary.LittleEndian
	switch a.DType {
	case F32:
		for _, v := range a.F32[at : at+count] {
			b = le.AppendUint32(b, math.Float32bits(v))
		}
	case F64:
		for _, v := range a.F64[at : at+count] {
			b = le.AppendUint64(b, math.Float64bits(v))
		}
	case I64:
		for _, v := range a.I64[at : at+count] {
			b = le.AppendUint64(b, uint64(v))
		}
	case U8:
		b = append(b, a.U8[at:at+count]...)
	}
	return b
}

// WriteElements writes all elements to w, little-endian, as safetensors and ONNX
// have them.
func (a *Array) WriteElements(w io.Writer) error {
	size := a.DType.element().size
	buf := make([]byte, 0, min(chunk/size, a.Len())*size)
	for at := 0; at < a.Len(); {
		count := min(a.Len()-at, chunk/size)
		if _, err := w.Write(encode(buf[:0], a, at, count)); err != nil {
			return err
		}
		at += count
	}
	return nil
}
