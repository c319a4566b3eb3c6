package offheap

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// reserveMemory returns address space for n values that takes memory as it is
// first touched, or nil when the system refuses.
func reserveMemory(n int) []float32 {
	m, err := unix.Mmap(-1, 0, n*4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	_ = unix.Madvise(m, unix.MADV_HUGEPAGE) // a wish: without it pages are small
	return unsafe.Slice((*float32)(unsafe.Pointer(&m[0])), n)
}

// discard gives the whole pages within d back; they read as zero afterwards.
func discard(d []float32) {
	const page = 4096
	p := uintptr(unsafe.Pointer(&d[0]))
	skip := int(-p % page)
	if n := (len(d)*4 - skip) / page * page; n > 0 {
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&d[0]), skip)), n), unix.MADV_DONTNEED)
	}
}

func unmap(d []float32) {
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&d[0])), len(d)*4))
}
