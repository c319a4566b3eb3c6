// Package pixel has the kernels of decoding, resizing and augmenting pictures
// that pay as vectors: each checks its slices, runs the assembly where the
// instruction set in use has it, and its Go twin elsewhere and for what is left
// over at the ends. Integer kernels give the same bits with every set.
package pixel

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// maxTaps is how many rows the assembly combines; more are rare (they come
// from pictures of many times the target's size) and go through the twin.
const maxTaps = 64

// need panics: a slice is too short for the work asked for. The assembly
// trusts lengths.
func need(ok bool, op string) {
	if !ok {
		panic(fmt.Sprintf("pixel.%s: a slice is too short", op))
	}
}

// WeighRows sets dst = Σ w[j]·row(lo+j) over j < len(w), where row(i) is
// ring[i%size·len(dst):][:len(dst)]: a ring of the last size rows.
func WeighRows(dst, ring []float32, lo, size int, w []float32) {
	n := len(dst)
	need(len(w) > 0 && size > 0 && lo >= 0 && len(ring) >= size*n, "WeighRows")
	done := 0
	if kernel := table.Active().WeighRows; kernel != nil && len(w) <= maxTaps {
		done = n &^ 31
		kernel(dst[:done], ring, n, lo, size, w)
	}
	if done < n {
		weighRows(dst, ring, done, lo, size, w)
	}
}

// Columns sets dst[x] = (2²¹ + Σ k[j]·row(lo+j)[x]) >> 22, held to 0–255, where
// row(i) is ring[i%size·stride:]: the vertical pass of Pillow's resampling. k
// may have negative values; it must sum to about 2²², its values without their
// signs to less than 2²³, so that no partial sum leaves int32.
func Columns(dst, ring []uint8, stride, lo, size int, k []int32) {
	n := len(dst)
	need(len(k) > 0 && size > 0 && lo >= 0 && stride >= n && len(ring) >= size*stride, "Columns")
	done := 0
	if kernel := table.Active().Columns; kernel != nil && len(k) <= maxTaps {
		done = n &^ 15
		kernel(dst[:done], ring, stride, lo, size, k)
	}
	columns(dst[done:], ring[done:], stride, lo, size, k)
}

// CanResample reports whether Columns and FixedTaps.Row run as assembly. Callers have a
// faster way in plain Go than their twins.
func CanResample() bool { k := table.Active(); return k.Columns != nil && k.Row != nil }

// IDCT writes the samples of the dequantized block b to dst, rows stride
// apart, and reports true; without assembly it does nothing and reports
// false. The method is internal/jpeg's, which is the twin.
func IDCT(b *[64]int32, dst []uint8, stride int) bool {
	kernel := table.Active().IDCT
	if kernel == nil {
		return false
	}
	need(stride >= 8 && len(dst) >= 7*stride+8, "IDCT")
	kernel(isa.Arg(b), dst, stride)
	return true
}

// YCC converts pixels from YCbCr planes to RGB and returns how many it did,
// from the first on, a multiple of 8: it leaves at least two for the caller,
// who has the twin, and does none without assembly.
func YCC(dst, y, cb, cr []uint8) int {
	n := (len(y) - 2) &^ 7
	kernel := table.Active().YCC
	if n <= 0 || kernel == nil {
		return 0
	}
	need(len(dst) >= 3*len(y) && len(cb) >= n && len(cr) >= n, "YCC")
	kernel(dst, y, cb, cr, n)
	return n
}
