package pixel

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/cpu"
)

// kernels are the kernels of one instruction set. They trust the lengths that
// the exported functions have checked. Where one is nil, its Go twin does all
// the work.
//
// They keep no pointer after they return, which the compiler cannot see through
// a function value: noescape tells it.
type kernels struct {
	weighRows func(dst, ring []float32, stride, lo, size int, w []float32)
	columns   func(dst, ring []uint8, stride, lo, size int, k []uint32)
	row       func(dst, src []uint8, first, count []int32, k []uint32, size int)
	idct      func(b *[64]int32, dst []uint8, stride int)
	ycc       func(dst, y, cb, cr []uint8, n int)
	pick      func(dst, src []float32, first, count []int32, weight []float32, size int)
	curve     func(c *Curve, v []float32, scale, shift [3]float32)
	sample    func(dst []float32, n int, src []uint8, rowBytes int, limX, limY uint32, w *Walk) int
}

// The kernels by instruction set: those in plain Go, which are the twins, and
// those of AVX2, which a build without assembly leaves empty.
var plain, avx2 kernels

// active returns the kernels of the active level.
func active() *kernels {
	if cpu.Active() >= cpu.AVX2 {
		return &avx2
	}
	return &plain
}

// noescape returns p in a way that the compiler does not follow, so that what p
// points to can stay on the caller's stack. It is for arguments of functions
// that keep no pointer to them.
func noescape[T any](p *T) *T {
	hidden := uintptr(unsafe.Pointer(p))
	return *(**T)(unsafe.Pointer(&hidden))
}
