package kerneltest

import (
	"unsafe"
)

// MaskOf returns the mask of y [rows, c], nil when y is.
func MaskOf(y []float32, rows, c int) []uint16 {
	if y == nil {
		return nil
	}
	words := (c + 15) / 16 // of a row
	s := make([]uint16, rows*words)
	for i, v := range y {
		if v > 0 {
			s[i/c*words+i%c/16] |= 1 << (i % c % 16)
		}
	}
	return s
}

// Words returns n guarded words, n rounded up to even.
func (a *Arena) Words(n int) []uint16 {
	f := a.Zeros((n + 1) / 2)
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(f))), n)
}
