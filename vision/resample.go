package vision

import (
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/preprocess"
)

// Resampling with Pillow's arithmetic (libImaging/Resample.c): a horizontal pass
// and then a vertical one with the taps of a filter, coefficients in 22-bit fixed
// point, and rounding to 8 bits after each pass. The result is Pillow's, bit for
// bit. (From version 13 on, Pillow takes the vertical pass first where the height
// is reduced much more than the width; rounding then differs.)

// window is a rectangle of a picture, given by its pixels: rows are stride
// bytes apart.
type window struct {
	w, h, stride int
	pix          []uint8
}

// windowOf is the whole of a picture.
func windowOf(img *data.Image) window {
	return window{w: img.Width, h: img.Height, stride: 3 * img.Width, pix: img.Pix}
}

// resampler is the scratch of one resampling, reused from picture to picture.
type resampler struct {
	x, y  axis
	rows  []uint64 // horizontal pass in plain Go, see horizontal
	bytes []uint8  // horizontal pass on the assembly
}

var resamplers mem.Pool[resampler]

// resample returns the part of the window at width w and height h: it computes
// only what lies in the part. Each pass runs only when the size changes in its
// direction, as in Pillow.
func resample(src window, w, h int, part Rect, by preprocess.Interpolation) *data.Image {
	ow, oh := part.Width, part.Height
	out := data.NewImage(ow, oh)
	if src.w == w && src.h == h {
		for y := range oh {
			copy(out.Pix[3*y*ow:3*(y+1)*ow], src.pix[(part.Top+y)*src.stride+3*part.Left:])
		}
		return out
	}
	r := resamplers.Get()
	defer resamplers.Put(r)
	r.x.set(filters[by], src.w, w, part.Left, ow)
	r.y.set(filters[by], src.h, h, part.Top, oh)
	// The vertical pass reads input rows in order, so the horizontal pass
	// keeps a ring of the rows it still needs.
	ring := r.y.Size
	if pixel.CanResample() {
		r.vector(out, src, ring)
		return out
	}
	words := pairWords(ow)
	r.rows = grow(r.rows, ring*words+words)
	acc := r.rows[ring*words:]
	done := 0 // input rows that went through the horizontal pass
	for y := range oh {
		lo, n := int(r.y.First[y]), int(r.y.Count[y])
		for done = max(done, lo); done < lo+n; done++ {
			horizontal(r.rows[done%ring*words:][:words], src.pix[done*src.stride:][:3*src.w], &r.x, ow)
		}
		k := r.y.K[y*r.y.Size:][:n]
		vertical(out.Pix[3*y*ow:3*(y+1)*ow], acc, r.rows, k, lo, ring, words)
	}
	return out
}

// vector is the rest of resample on the assembly, with rows of bytes.
func (r *resampler) vector(out *data.Image, src window, ring int) {
	ow := out.Width
	stride := 3*ow + 1 // FixedTaps.Row writes one byte more
	r.bytes = grow(r.bytes, ring*stride)
	done := 0
	for y := range out.Height {
		lo, n := int(r.y.First[y]), int(r.y.Count[y])
		for done = max(done, lo); done < lo+n; done++ {
			r.x.Row(r.bytes[done%ring*stride:][:stride], src.pix[done*src.stride:], src.w)
		}
		pixel.Columns(out.Pix[3*y*ow:3*(y+1)*ow], r.bytes, stride, lo, ring, r.y.K[y*r.y.Size:][:n])
	}
}

// Two samples share a 64-bit word, 32 bits each, and one multiplication does the
// work of two. A sum of taps and samples is above -2³⁰ and below 3·2³⁰ (the taps
// sum to 2²², the negative ones to more than -2²²): with bias added it fits into
// its half, and never spills into its neighbor.
const (
	bias     = 1<<30 | 1<<62                                           // 256 levels, in both halves
	pairHalf = bias + (1<<(precisionBits-1) | 1<<(precisionBits-1+32)) // and rounding
	pairOnes = 1 | 1<<32
	pairTen  = 0x3ff * pairOnes
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
	n := int(a.Count[x])
	s := src[3*a.First[x]:]
	k := a.K[x*a.Size : x*a.Size+n]
	rg, b = pairHalf, pairHalf
	s = s[:3*n]
	for _, c := range k {
		w := uint64(c) // sign-extended: a negative tap subtracts
		rg += (uint64(s[0]) | uint64(s[1])<<32) * w
		b += uint64(s[2]) * w
		s = s[3:]
	}
	return levels(rg), levels(b) & 0xff
}

// levels takes both halves, sums with their bias, to levels in 0–255. Bit 9 of a
// sum in levels tells that it is 256 or more, bits 8 and 9 both clear that it is
// negative.
func levels(v uint64) uint64 {
	v = v >> precisionBits & pairTen
	over := v >> 9 & pairOnes
	positive := (v>>8 | v>>9) & pairOnes
	return (v | (over<<8 - over)) & (positive<<8 - positive)
}

// vertical writes one output row from the taps k over rows lo.. of the ring.
func vertical(dst []uint8, acc, rows []uint64, k []int32, lo, ring, words int) {
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
		v = levels(v)
		dst[2*i] = uint8(v)
		dst[2*i+1] = uint8(v >> 32)
	}
	if len(dst)&1 != 0 {
		dst[len(dst)-1] = uint8(levels(acc[n]))
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
