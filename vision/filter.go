package vision

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/preprocess"
)

// Filters as Pillow has them (libImaging/Resample.c): a weight for each distance
// from an output's center, in input pixels, or in output pixels when shrinking,
// so that each input pixel counts (antialiasing).

// filter is a function of the distance, and the distance from which on it is 0.
type filter struct {
	support float64
	weight  func(x float64) float64
}

var filters = [...]filter{
	preprocess.Bilinear: {1, triangle},
	preprocess.Bicubic:  {2, cubic},
}

func triangle(x float64) float64 { return max(1-math.Abs(x), 0) }

// cubic is the cubic convolution of Keys with a = -0.5, in Pillow's order of
// operations. The conversions keep multiplication and addition apart: a fused
// one would round differently.
func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(float64(x-5)*x)+8)*x)-4) * a
	}
	return 0
}

// precisionBits is the fixed point of the taps: 8 bits of sample, 2 of headroom
// for sums that filters with negative weights take below 0 and above 255, in 32.
const precisionBits = 32 - 8 - 2

// axis holds what one pass needs.
type axis struct {
	pixel.FixedTaps
	weight []float64 // scratch
}

// set computes the taps that resample in samples to out, for the n outputs from
// number from on (precompute_coeffs and normalize_coeffs_8bpc).
func (a *axis) set(f filter, in, out, from, n int) {
	if in == out {
		a.copies(from, n)
		return
	}
	scale := float64(in) / float64(out)
	wide := max(scale, 1)
	support := float64(f.support * wide)
	a.Size = int(math.Ceil(support))*2 + 1
	a.First = grow(a.First, n)
	a.Count = grow(a.Count, n)
	a.K = grow(a.K, n*a.Size)
	a.weight = grow(a.weight, a.Size)
	inv := 1 / wide
	for i := range n {
		center := float64((float64(from+i) + 0.5) * scale)
		lo := max(int(center-support+0.5), 0)
		taps := min(int(center+support+0.5), in) - lo
		sum := 0.0
		for j := range taps {
			w := f.weight((float64(j+lo) - center + 0.5) * inv)
			a.weight[j] = w
			sum += w
		}
		for j := range taps {
			w := a.weight[j]
			if sum != 0 {
				w /= sum
			}
			a.K[i*a.Size+j] = int32(math.Copysign(0.5, w) + float64(w*(1<<precisionBits)))
		}
		a.First[i], a.Count[i] = int32(lo), int32(taps)
	}
}

// copies sets one tap of weight 1 for each of n outputs, from sample from on: a
// direction that keeps its size has no pass in Pillow.
func (a *axis) copies(from, n int) {
	a.Size = 1
	a.First, a.Count, a.K = grow(a.First, n), grow(a.Count, n), grow(a.K, n)
	for i := range n {
		a.First[i], a.Count[i], a.K[i] = int32(from+i), 1, 1<<precisionBits
	}
}
