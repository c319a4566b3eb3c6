package pixel

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Resizing of batches, as fastai's affine_coord does it on an upright grid:
// bilinear with aligned corners, after an area average where the picture is
// more than twice the result. Both steps treat rows and columns alike and
// apart, so they are one set of taps per axis.

// Taps of one axis: output i is the sum over j < Count[i] of
// W[i*Size+j] * input[First[i]+j].
type Taps struct {
	Size         int
	First, Count []int32
	W            []float32
}

// PooledSize is what fastai first averages in pixels to, on the way to a grid
// that is shrink times coarser on both axes (d in _grid_sample).
func PooledSize(in int, d float64) int { return max(int(math.Floor(float64(in)*(1/d))), 1) }

// PoolFactor is by how much a picture of h×w is averaged down on its way to
// oh×ow: half of the smaller shrinking factor, when that is above 1 and above
// zoom, by how much the coordinates magnify; else 1, which is no averaging.
func PoolFactor(h, w, oh, ow int, zoom float64) float64 {
	d := min(float64(h)/float64(oh), float64(w)/float64(ow)) / 2
	if d > 1 && d > zoom {
		return d
	}
	return 1
}

// Set computes the taps from in inputs by way of pooled ones to out outputs.
func (t *Taps) Set(in, pooled, out int) {
	window := func(i int) (lo, hi int) { // torch's adaptive_avg_pool
		return i * in / pooled, ((i+1)*in + pooled - 1) / pooled
	}
	widest := (in+pooled-1)/pooled + 1
	t.Size = 2 * widest
	t.First, t.Count = resized(t.First, out), resized(t.Count, out)
	t.W = resized(t.W, out*t.Size)
	clear(t.W)
	for i := range out {
		x := float64(pooled-1) / 2
		if out > 1 {
			x = float64(i) * float64(pooled-1) / float64(out-1)
		}
		at := min(int(x), max(pooled-2, 0))
		frac := x - float64(at)
		lo, hi := window(at)
		t.First[i] = int32(lo)
		w := t.W[i*t.Size:][:t.Size]
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
		t.Count[i] = int32(end - lo)
	}
}

// Apply reduces one row of pixels, src [in,3] and one float to spare, to dst
// [out,3].
func (t *Taps) Apply(dst, src []float32) {
	n := len(t.First)
	need(len(dst) >= 3*n && len(src)%3 == 1 && len(t.Count) >= n && len(t.W) >= n*t.Size, "Taps.Apply")
	done := 0
	if kernel := table.Active().Pick; kernel != nil && n > 1 {
		done = n - 1 // it writes one float more
		kernel(dst, src, done, isa.Arg(t))
	}
	t.apply(dst, src, done)
}

// apply is the Go twin of Apply, from the given output on.
func (t *Taps) apply(dst, src []float32, from int) {
	for i := from; i < len(t.First); i++ {
		n := int(t.Count[i])
		s := src[3*t.First[i]:][:3*n]
		var r, g, b float32
		for _, k := range t.W[i*t.Size:][:n] {
			r += float32(k * s[0])
			g += float32(k * s[1])
			b += float32(k * s[2])
			s = s[3:]
		}
		o := dst[3*i : 3*i+3 : 3*i+3]
		o[0], o[1], o[2] = r, g, b
	}
}

// Combine adds up the rows of a ring with row i's taps: dst is the weighted
// sum of rows First[i].. of the source, row r of which is ring slot r%Size.
func (t *Taps) Combine(dst, ring []float32, i int) {
	lo, n := int(t.First[i]), int(t.Count[i])
	WeighRows(dst, ring, lo, t.Size, t.W[i*t.Size:][:n])
}

// Matrix returns the taps of in inputs as a dense matrix [outputs, in],
// row-major.
func (t *Taps) Matrix(in int) []float32 {
	m := make([]float32, len(t.First)*in)
	for i, first := range t.First {
		copy(m[i*in+int(first):], t.W[i*t.Size:][:t.Count[i]])
	}
	return m
}

// resized returns s with length n, reallocated if need be; the content is not
// kept.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
