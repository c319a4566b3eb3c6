package cpu

import (
	"syscall"
	"unsafe"
)

// hugePages asks the kernel to back s with huge pages (2 MB on amd64). The
// packed panels of a convolution are tens of megabytes that the transforms
// write at 36 distances at once: with 4 KB pages they miss the TLB on most
// lines. It is advice; failure changes nothing but speed.
func hugePages(s []float32) {
	const page = 4096
	p := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	skip := int(-p % page)
	if n := len(s)*4 - skip; n >= 2<<20 {
		b := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), skip)), n/page*page)
		_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)
	}
}
