package cpu

import (
	"math/bits"
	"sync"
	"unsafe"
)

// scratchPool keeps workspace between calls, so that a steady training step
// allocates none. Buffers come in size classes, four to an octave, so that at
// most a fifth of a buffer is waste, and each class has a free list. Unlike
// sync.Pool it never forgets a buffer behind the program's back: the amount is
// a property of the shapes that ran, and is reported.
var scratchPool struct {
	sync.Mutex
	free  map[int][][]float32
	bytes int64
}

// scratchAlign is the alignment of scratch buffers: one cache line, which is
// also the widest vector.
const scratchAlign = 64

// scratchClass rounds n floats up to a size class: 1024, or 2^i*{4,5,6,7}/4.
func scratchClass(n int) int {
	if n <= 1024 {
		return 1024
	}
	step := 1 << (bits.Len(uint(n-1)) - 3)
	return (n + step - 1) / step * step
}

// getScratch returns n floats of undefined content, aligned to 64 bytes. Give
// the slice back with putScratch.
func getScratch(n int) []float32 {
	size := scratchClass(n)
	p := &scratchPool
	p.Lock()
	if l := p.free[size]; len(l) > 0 {
		s := l[len(l)-1]
		p.free[size] = l[:len(l)-1]
		p.Unlock()
		return s[:n]
	}
	p.bytes += int64(size) * 4
	p.Unlock()
	return alignedFloats(size)[:n]
}

// putScratch returns a buffer of getScratch for reuse. The caller must not
// touch it afterwards.
func putScratch(s []float32) {
	size := cap(s)
	p := &scratchPool
	p.Lock()
	if p.free == nil {
		p.free = make(map[int][][]float32)
	}
	p.free[size] = append(p.free[size], s[:size])
	p.Unlock()
}

// ScratchBytes returns how many bytes of workspace the kernels hold, in use or
// kept for reuse.
func ScratchBytes() int64 {
	scratchPool.Lock()
	defer scratchPool.Unlock()
	return scratchPool.bytes
}

// alignedFloats returns n zero floats at an address that is a multiple of
// scratchAlign, with capacity exactly n.
func alignedFloats(n int) []float32 {
	s := make([]float32, n+scratchAlign/4)
	off := 0
	if m := uintptr(unsafe.Pointer(&s[0])) % scratchAlign; m != 0 {
		off = int(scratchAlign-m) / 4
	}
	s = s[off : off+n : off+n]
	hugePages(s)
	return s
}
