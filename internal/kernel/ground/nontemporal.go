package ground

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// This file decides when an output is written with non-temporal stores. Such a
// store saves reading the output's old contents from memory, but leaves nothing
// in the caches for the reader.
//
// From which size on it pays is data of each family of kernels
// (NonTemporalFloats), for it depends on what else they read and how soon their
// output is wanted. Measured on a 32 MB cache: ScaleShift of 100 MB takes 3.0
// instead of 4.4 ms, of 25 MB 0.85 instead of 1.3; together with a read of the
// result both still gain, and at 12 MB it is even: hence 16 MB for passes over
// memory. A matrix product writes for a reader that comes sooner: 32 MB.

// NeverNonTemporal is the size from which portable kernels would use such stores:
// plain Go has none.
const NeverNonTemporal = 1 << 62

// StoresNonTemporal reports whether n floats from out[0] on, at every step
// floats of which a row begins, are to be stored non-temporally: there are at
// least from of them, every vector in them is aligned, and they are not the
// place of an input too, whose lines are in the cache anyway.
func StoresNonTemporal(from, n int, out []float32, step int, inputs ...[]float32) bool {
	if n < from || len(out) == 0 || step%16 != 0 || uintptr(unsafe.Pointer(&out[0]))%64 != 0 {
		return false
	}
	for _, in := range inputs {
		if len(in) > 0 && &in[0] == &out[0] {
			return false
		}
	}
	return true
}

// storeKernels order non-temporal stores.
type storeKernels struct {
	Fence func() // orders them before everything that follows
}

var storeTable isa.Table[storeKernels]

func init() { storeTable.Add(isa.Generic, storeKernels{Fence: func() {}}) }

// StoreFence must follow non-temporal stores, on the same goroutine, before
// others may read what they wrote. The kernels that go through rows have it in
// them.
func StoreFence() { storeTable.Active().Fence() }
