package offheap

import "unsafe"

// alignedSlice returns n zeroed values that start on a 64-byte boundary.
func alignedSlice(n int) []float32 {
	s := make([]float32, n+16)
	off := (64 - int(uintptr(unsafe.Pointer(&s[0]))%64)) % 64 / 4
	return s[off : off+n : off+n]
}

// floats views a mapping, which is page-aligned, as float32 values.
func floats(m []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(&m[0])), len(m)/4)
}
