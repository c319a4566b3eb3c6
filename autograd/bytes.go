package autograd

import "unsafe"

// bytesOf views float storage as bytes, so that byte-sized bookkeeping can live
// in the arena too.
func bytesOf(f []float32) []uint8 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*uint8)(unsafe.Pointer(&f[0])), 4*len(f))
}
