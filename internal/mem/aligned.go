package mem

import (
	"math"
	"unsafe"
)

// Align is the alignment of buffers in bytes: one cache line, which is also the
// widest vector.
const Align = 64

var nan = float32(math.NaN())

// Floats returns n zero floats of the Go heap at an address that is a multiple of
// Align, with capacity exactly n, on huge pages if they are many.
func Floats(n int) []float32 {
	s := make([]float32, n+Align/4)
	off := 0
	if m := uintptr(unsafe.Pointer(&s[0])) % Align; m != 0 {
		off = int(Align-m) / 4
	}
	s = s[off : off+n : off+n]
	hugePages(s)
	return s
}
