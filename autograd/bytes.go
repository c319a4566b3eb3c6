package autograd

import "unsafe"

// Bytes views float storage as bytes, so that byte-sized bookkeeping can live
// in the arena too.
func Bytes(f []float32) []uint8 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*uint8)(unsafe.Pointer(&f[0])), 4*len(f))
}

// Uint16s is Bytes for words of two bytes.
func Uint16s(f []float32) []uint16 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(&f[0])), 2*len(f))
}

// Int32s is Bytes for words of four bytes.
func Int32s(f []float32) []int32 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*int32)(unsafe.Pointer(&f[0])), len(f))
}
