package mem

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
	d := unsafe.Slice((*float32)(unsafe.Pointer(&m[0])), n)
	hugePages(d)
	return d
}

// hugePages asks the kernel to back s with huge pages (2 MB on amd64) if it is
// large. The packed panels of a convolution are tens of megabytes that the
// transforms write at 36 distances at once: with 4 KB pages they miss the TLB on
// most lines. It is advice; failure changes nothing but speed.
func hugePages(s []float32) {
	if b := pages(s); len(b) >= 2<<20 {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	}
}

// discard gives the whole pages within d back; they read as zero afterwards.
func discard(d []float32) {
	if b := pages(d); len(b) > 0 {
		_ = unix.Madvise(b, unix.MADV_DONTNEED)
	}
}

// pages returns the whole pages within s.
func pages(s []float32) []byte {
	const page = 4096
	p := unsafe.Pointer(unsafe.SliceData(s))
	skip := int(-uintptr(p) % page)
	n := (len(s)*4 - skip) / page * page
	if n <= 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(p, skip)), n)
}

func unmap(d []float32) {
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&d[0])), len(d)*4))
}
