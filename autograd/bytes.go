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

// wordsOf is bytesOf for words of two bytes.
func wordsOf(f []float32) []uint16 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(&f[0])), 2*len(f))
}

// int32sOf is bytesOf for words of four bytes.
func int32sOf(f []float32) []int32 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*int32)(unsafe.Pointer(&f[0])), len(f))
}
