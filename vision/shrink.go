package vision

import (
	"math"

	"github.com/whippet-ml/whippet/internal/pixel"
)

// Resizing of batches, as fastai's affine_coord does it on an upright grid:
// bilinear with aligned corners, after an area average where the picture is
// more than twice the result. Both steps treat rows and columns alike and
// apart, so they are one set of taps per axis.

// taps of one axis: output i is the sum over j < count[i] of
// w[i*size+j] * input[first[i]+j].
type taps struct {
	size         int
	first, count []int32
	w            []float32
}

// pooledSize is what fastai first averages in pixels to, on the way to a grid
// that is shrink times coarser on both axes (d in _grid_sample).
func pooledSize(in int, d float64) int { return max(int(math.Floor(float64(in)*(1/d))), 1) }

// poolFactor is by how much a picture of h×w is averaged down on its way to
// oh×ow: half of the smaller shrinking factor, when that is above 1 and above
// zoom, by how much the coordinates magnify; else 1, which is no averaging.
func poolFactor(h, w, oh, ow int, zoom float64) float64 {
	d := min(float64(h)/float64(oh), float64(w)/float64(ow)) / 2
	if d > 1 && d > zoom {
		return d
	}
	return 1
}

// set computes the taps from in inputs by way of pooled ones to out outputs.
func (t *taps) set(in, pooled, out int) {
	window := func(i int) (lo, hi int) { // torch's adaptive_avg_pool
		return i * in / pooled, ((i+1)*in + pooled - 1) / pooled
	}
	widest := (in+pooled-1)/pooled + 1
	t.size = 2 * widest
	t.first, t.count = grow(t.first, out), grow(t.count, out)
	t.w = grow(t.w, out*t.size)
	clear(t.w)
	for i := range out {
		x := float64(pooled-1) / 2
		if out > 1 {
			x = float64(i) * float64(pooled-1) / float64(out-1)
		}
		at := min(int(x), max(pooled-2, 0))
		frac := x - float64(at)
		lo, hi := window(at)
		t.first[i] = int32(lo)
		w := t.w[i*t.size:][:t.size]
		for j := lo; j < hi; j++ {
			w[j-lo] += float32((1 - frac) / float64(hi-lo))
		}
		end := hi
		if frac > 0 {
			lo2, hi2 := window(at + 1)
			for j := lo2; j < hi2; j++ {
				w[j-lo] += float32(frac / float64(hi2-lo2))
			}
			end = hi2
		}
		t.count[i] = int32(end - lo)
	}
}

// apply reduces one row, src [in,3] and one float to spare, to dst [out,3].
func (t *taps) apply(dst, src []float32) {
	pixel.Pick(dst, src, len(src)/3, t.first, t.count, t.w, t.size)
}

// combine adds up the rows of a ring with row i's taps: dst is the weighted
// sum of rows first[i].. of the source, row r of which is ring slot r%size.
func (t *taps) combine(dst, ring []float32, i int) {
	lo, n := int(t.first[i]), int(t.count[i])
	pixel.WeighRows(dst, ring, lo, t.size, t.w[i*t.size:][:n])
}
