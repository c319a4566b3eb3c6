//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"syscall"
	"unsafe"
)

// beside is how many bytes a buffer begins after the beginning of a page.
// Buffers of different uses that all begin on a page meet in the same sets of the
// caches, and copying between them is up to 45 % slower.
const beside = 4096 + 16

// memory returns n zero floats outside of Go's heap, for as long as the process
// lives. Network cards remember where memory is, and learn from libc what is given
// back: Go's collector gives memory back behind libc's back.
func memory(n int) []float32 {
	if n == 0 {
		return nil
	}
	b, err := syscall.Mmap(-1, 0, beside+4*n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Sprintf("mpi: no memory for a buffer of %d bytes: %v", 4*n, err)) // as Go's heap does
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[beside])), n)
}
