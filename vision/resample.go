package vision

import (
	"math"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/internal/mem"
)

// Resampling with Pillow's arithmetic (libImaging/Resample.c): a triangle
// filter whose support widens when shrinking (antialiasing), a horizontal pass
// and then a vertical one, coefficients in 22-bit fixed point, and rounding to
// 8 bits after each pass. The result is Pillow's, bit for bit.

// precisionBits is the fixed point of the coefficients: 8 bits of sample, 2 of
// headroom, in 32.
const precisionBits = 32 - 8 - 2

// axis holds what one pass needs: for output i, the taps
// k[i*size:i*size+count[i]] apply to inputs from first[i] on.
type axis struct {
	size         int // room for taps per output
	first, count []int32
	k            []uint32
	weight       []float64 // scratch
}

// set computes the taps that resample in samples to out (precompute_coeffs and
// normalize_coeffs_8bpc, for BILINEAR).
func (a *axis) set(in, out int) {
	scale := float64(in) / float64(out)
	filter := max(scale, 1)
	support := filter
	a.size = int(math.Ceil(support))*2 + 1
	a.first = grow(a.first, out)
	a.count = grow(a.count, out)
	a.k = grow(a.k, out*a.size)
	a.weight = grow(a.weight, a.size)
	inv := 1 / filter
	for i := range out {
		center := (float64(i) + 0.5) * scale
		lo := max(int(center-support+0.5), 0)
		n := min(int(center+support+0.5), in) - lo
		sum := 0.0
		for j := range n {
			w := max(1-math.Abs((float64(j+lo)-center+0.5)*inv), 0)
			a.weight[j] = w
			sum += w
		}
		for j := range n {
			w := a.weight[j]
			if sum != 0 {
				w /= sum
			}
			a.k[i*a.size+j] = uint32(0.5 + w*(1<<precisionBits))
		}
		a.first[i], a.count[i] = int32(lo), int32(n)
	}
}

// window is a rectangle of a picture, given by its pixels: rows are stride
// bytes apart.
type window struct {
	w, h, stride int
	pix          []uint8
}

// resampler is the scratch of one resampling, reused from picture to picture.
type resampler struct {
	x, y  axis
	rows  []uint64 // horizontal pass in plain Go, see horizontal
	bytes []uint8  // horizontal pass on the assembly
}

var resamplers mem.Pool[resampler]

// resample returns the window at width ow and height oh. Each pass runs only
// when the size changes in its direction, as in Pillow.
func resample(src window, ow, oh int) *data.Image {
	out := data.NewImage(ow, oh)
	if src.w == ow && src.h == oh {
		for y := range oh {
			copy(out.Pix[3*y*ow:3*(y+1)*ow], src.pix[y*src.stride:])
		}
		return out
	}
	r := resamplers.Get()
	defer resamplers.Put(r)
	// A direction that keeps its size gets one tap of weight 1 per output,
	// which is a copy.
	r.x.setOrCopy(src.w, ow)
	r.y.setOrCopy(src.h, oh)
	// The vertical pass reads input rows in order, so the horizontal pass
	// keeps a ring of the rows it still needs.
	ring := r.y.size
	if pixel.CanResample() {
		r.vector(out, src, ring)
		return out
	}
	words := pairWords(ow)
	r.rows = grow(r.rows, ring*words+words)
	acc := r.rows[ring*words:]
	done := 0 // input rows that went through the horizontal pass
	for y := range oh {
		lo, n := int(r.y.first[y]), int(r.y.count[y])
		for done = max(done, lo); done < lo+n; done++ {
			horizontal(r.rows[done%ring*words:][:words], src.pix[done*src.stride:][:3*src.w], &r.x, ow)
		}
		k := r.y.k[y*r.y.size:][:n]
		vertical(out.Pix[3*y*ow:3*(y+1)*ow], acc, r.rows, k, lo, ring, words)
	}
	return out
}

// vector is the rest of resample on the assembly, with rows of bytes.
func (r *resampler) vector(out *data.Image, src window, ring int) {
	ow := out.Width
	stride := 3*ow + 1 // Row writes one byte more
	r.bytes = grow(r.bytes, ring*stride)
	done := 0
	for y := range out.Height {
		lo, n := int(r.y.first[y]), int(r.y.count[y])
		for done = max(done, lo); done < lo+n; done++ {
			pixel.Row(r.bytes[done%ring*stride:][:stride], src.pix[done*src.stride:], src.w, r.x.first[:ow], r.x.count[:ow], r.x.k, r.x.size)
		}
		pixel.Columns(out.Pix[3*y*ow:3*(y+1)*ow], r.bytes, stride, lo, ring, r.y.k[y*r.y.size:][:n])
	}
}

func (a *axis) setOrCopy(in, out int) {
	if in != out {
		a.set(in, out)
		return
	}
	a.size = 1
	a.first, a.count, a.k = grow(a.first, out), grow(a.count, out), grow(a.k, out)
	for i := range out {
		a.first[i], a.count[i], a.k[i] = int32(i), 1, 1<<precisionBits
	}
}

// Two samples share a 64-bit word, 32 bits each: samples are 8 bits, taps are
// not negative and sum to 2²² (give or take a rounding each), so a sum of
// products stays below 2³¹ and never spills into its neighbor. One
// multiplication then does the work of two.
const (
	pairHalf  = 1<<(precisionBits-1) | 1<<(precisionBits-1+32) // rounding, in both halves
	pairBytes = 0xff | 0xff<<32
)

// pairWords is the number of words of a row of w pixels: samples 2i and 2i+1
// of the row are the halves of word i. Rows are filled in steps of two pixels.
func pairWords(w int) int { return (w + 1) / 2 * 3 }

// horizontal resamples one row, src [w,3] bytes, to dst, ow pixels as words.
func horizontal(dst []uint64, src []uint8, a *axis, ow int) {
	d := 0
	for x := 0; x < ow; x += 2 {
		rg, b := tapRow(src, a, x)
		var rg1, b1 uint64
		if x+1 < ow {
			rg1, b1 = tapRow(src, a, x+1)
		}
		// rg = (R,G), b = (B,0) of pixel x; rg1, b1 of pixel x+1.
		out := dst[d : d+3 : d+3]
		out[0] = rg
		out[1] = b | rg1<<32
		out[2] = rg1>>32 | b1<<32
		d += 3
	}
}

// tapRow is output pixel x of one row: (R,G) in the halves of rg, B in b.
func tapRow(src []uint8, a *axis, x int) (rg, b uint64) {
	n := int(a.count[x])
	s := src[3*a.first[x]:]
	k := a.k[x*a.size : x*a.size+n]
	rg, b = pairHalf, 1<<(precisionBits-1)
	s = s[:3*n]
	for _, c := range k {
		w := uint64(c)
		rg += (uint64(s[0]) | uint64(s[1])<<32) * w
		b += uint64(s[2]) * w
		s = s[3:]
	}
	return clampPair(rg >> precisionBits & 0x3ff_000003ff), min(b>>precisionBits, 255)
}

// clampPair limits both halves to 255. Only a rounding of the taps can exceed
// it, by one, so bit 8 tells.
func clampPair(v uint64) uint64 {
	over := v >> 8 & (1 | 1<<32)
	return (v | (over<<8 - over)) & pairBytes
}

// vertical writes one output row from the taps k over rows lo.. of the ring.
func vertical(dst []uint8, acc, rows []uint64, k []uint32, lo, ring, words int) {
	row := func(i int) []uint64 { return rows[(lo+i)%ring*words:][:words] }
	switch len(k) {
	case 1:
		w := uint64(k[0])
		for i, v := range row(0) {
			acc[i] = pairHalf + v*w
		}
	case 2:
		w0, w1 := uint64(k[0]), uint64(k[1])
		r1 := row(1)
		acc := acc[:len(r1)]
		for i, v := range row(0)[:len(r1)] {
			acc[i] = pairHalf + v*w0 + r1[i]*w1
		}
	default:
		w0, w1, w2 := uint64(k[0]), uint64(k[1]), uint64(k[2])
		r1, r2 := row(1), row(2)
		acc, r2 := acc[:len(r1)], r2[:len(r1)]
		for i, v := range row(0)[:len(r1)] {
			acc[i] = pairHalf + v*w0 + r1[i]*w1 + r2[i]*w2
		}
		for j := 3; j < len(k); j++ {
			w := uint64(k[j])
			for i, v := range row(j)[:len(acc)] {
				acc[i] += v * w
			}
		}
	}
	n := len(dst) / 2
	for i, v := range acc[:n] {
		v = clampPair(v >> precisionBits & 0x3ff_000003ff)
		dst[2*i] = uint8(v)
		dst[2*i+1] = uint8(v >> 32)
	}
	if len(dst)&1 != 0 {
		dst[len(dst)-1] = uint8(clampPair(acc[n] >> precisionBits & 0x3ff_000003ff))
	}
}

// grow returns s with length n, keeping its storage when it is large enough.
// The contents are not kept.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
