package pixel

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// FixedTaps are the taps of one axis in Pillow's 22-bit fixed point: output i is
// (2²¹ + Σ K[i*Size+j] * input (First[i]+j)) >> 22 over j < Count[i], held to
// 0–255. The taps of an output are as for Columns.
type FixedTaps struct {
	Size         int // room for taps per output
	First, Count []int32
	K            []int32
}

// Row is the horizontal pass of Pillow's resampling, of one row of RGB pixels:
// src has w of them, among which all taps must be, and dst gets len(t.First). dst
// needs one byte more than its pixels; where src has one more than its own the
// assembly can run.
func (t *FixedTaps) Row(dst, src []uint8, w int) {
	n := len(t.First)
	need(len(dst) > 3*n && len(src) >= 3*w && len(t.Count) >= n && len(t.K) >= n*t.Size, "FixedTaps.Row")
	if kernel := table.Active().Row; kernel != nil && len(src) > 3*w && n > 0 {
		kernel(dst, src, isa.Arg(t))
		return
	}
	t.row(dst, src)
}

// row is the Go twin of Row.
func (t *FixedTaps) row(dst, src []uint8) {
	for i, f := range t.First {
		var s [3]int32
		for c := range s {
			s[c] = 1 << 21
		}
		for j := range int(t.Count[i]) {
			w := t.K[i*t.Size+j]
			p := src[3*(int(f)+j):][:3]
			s[0] += w * int32(p[0])
			s[1] += w * int32(p[1])
			s[2] += w * int32(p[2])
		}
		for c, v := range s {
			dst[3*i+c] = uint8(max(0, min(v>>22, 255)))
		}
	}
}
