package offheap

import "unsafe"

// alignedSlice returns n zeroed values that start on a 64-byte boundary.
func alignedSlice(n int) []float32 {
	s := make([]float32, n+16)
	off := (64 - int(uintptr(unsafe.Pointer(&s[0]))%64)) % 64 / 4
	return s[off : off+n : off+n]
}
