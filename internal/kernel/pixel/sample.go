package pixel

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// Walk goes along a row of output pixels in steps of four: pixel k of the
// current four is read from (U+k·du, V+k·dv)/(D+k·dd), in source pixels. All
// samplers take their coordinates from it, so that they agree to the bit. The
// assembly is generated with the offsets of its fields: after a change, run go
// generate in internal/kernel/asm.
type Walk struct {
	base [3]float64    // U, V, D of the first of the four
	step [3]float64    // what four pixels add
	off  [3][4]float64 // what k pixels add
}

// NewWalk starts at u, v, d, which a pixel further are u+du, v+dv, d+dd.
func NewWalk(u, v, d, du, dv, dd float64) Walk {
	w := Walk{base: [3]float64{u, v, d}, step: [3]float64{4 * du, 4 * dv, 4 * dd}}
	for k := range 4 {
		f := float64(k)
		w.off[0][k], w.off[1][k], w.off[2][k] = f*du, f*dv, f*dd
	}
	return w
}

// At returns the source coordinates of pixel k of the four.
func (w *Walk) At(k int) (x, y float64) {
	r := 1 / (w.base[2] + w.off[2][k&3])
	return float64((w.base[0] + w.off[0][k&3]) * r), float64((w.base[1] + w.off[1][k&3]) * r)
}

// Next goes on to the next four.
func (w *Walk) Next() {
	w.base[0] += w.step[0]
	w.base[1] += w.step[1]
	w.base[2] += w.step[2]
}

// WeightBits is the fixed point of a sample's four weights and of the
// fractions of its coordinates.
const WeightBits = 13

// CanSample reports whether SampleInside does anything.
func CanSample() bool { return table.Active().Sample != nil }

// SampleInside samples bilinearly from src, [h,w,3] bytes, along the walk into
// dst, [n,3], while all four pixels are well inside: not in the last two
// columns or the last row. It returns how many pixels it did, a multiple of
// four, and leaves at least one for the caller; without assembly it does
// none. The walk moves on by as much.
//
// With fx, fy the fractions of a coordinate in units of 2⁻¹³ (rounded), the
// weights are b = fx·fy rounded, fx-b, fy-b and the rest, and a sample is their
// exact sum of products times 2⁻¹³.
func SampleInside(dst []float32, src []uint8, h, w int, k *Walk) int {
	n := (len(dst)/3 - 1) &^ 3
	kernel := table.Active().Sample
	if n <= 0 || kernel == nil || w < 3 || h < 2 || w > 1<<14 || h > 1<<14 {
		return 0
	}
	need(len(src) >= 3*h*w, "SampleInside")
	// The last pair of pixels that may be read with 8 bytes is one column
	// before the last.
	return kernel(dst, n, src, 3*w, uint32(w-2)<<WeightBits-1, uint32(h-1)<<WeightBits-1, isa.Arg(k))
}
