package vision

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/preprocess"
)

// Sampling a picture at real coordinates, bilinearly, as torch's grid_sample
// with align_corners=True: coordinates are pixel centers, and outside the
// picture the PadMode decides.
//
// Pictures of bytes are sampled in fixed point: coordinates and weights have 13
// bits of fraction. A weight is off by at most 2⁻¹³, which is less than 0.04
// gray levels and typically a tenth of that; float32 coordinates at 460 pixels,
// as fastai has them, are off by as much.
//
// In plain Go a picture is packed first: the three samples of a pixel share a
// word, 21 bits each, so that one multiplication weighs all three.
const (
	laneBits  = 21
	laneMask  = 1<<laneBits - 1
	weightOne = 1 << pixel.WeightBits
	lanesUnit = 1.0 / weightOne
)

// lanes packs the pixel at the head of p.
func lanes(p []uint8) uint64 {
	_ = p[2]
	return uint64(p[0]) | uint64(p[1])<<laneBits | uint64(p[2])<<(2*laneBits)
}

// pack sets dst[i] to the three samples of pixel i of src, [n,3] bytes.
func pack(dst []uint64, src []uint8) {
	src = src[:3*len(dst)]
	for i := range dst {
		dst[i] = lanes(src)
		src = src[3:]
	}
}

// unpack writes a sum of lanes weighted by weights of sum 1.
func unpack(dst []float32, s uint64) {
	_ = dst[2]
	dst[0] = float32(s&laneMask) * lanesUnit
	dst[1] = float32(s>>laneBits&laneMask) * lanesUnit
	dst[2] = float32(s>>(2*laneBits)) * lanesUnit
}

// line is a row of output pixels: pixel i is read from
// (u+i·du, v+i·dv)/(d+i·dd).
type line struct{ u, v, d, du, dv, dd float64 }

func (l line) walk() pixel.Walk { return pixel.NewWalk(l.u, l.v, l.d, l.du, l.dv, l.dd) }

// row is the line of output row y, from output column x on.
func (a mat3) row(x, y float64) line {
	return line{
		u: float64(a[0]*x) + float64(a[1]*y) + a[2], v: float64(a[3]*x) + float64(a[4]*y) + a[5], d: float64(a[6]*x) + float64(a[7]*y) + a[8],
		du: a[0], dv: a[3], dd: a[6],
	}
}

// sampleBytes writes one row, [n,3] samples in [0,255], of a source [h,w,3] of
// bytes. packed is the packed source where there is no assembly to do most of
// the work, and nil where there is; the result is the same.
func sampleBytes(dst []float32, src []uint8, packed []uint64, h, w int, l line, mode preprocess.PadMode) {
	walk := l.walk()
	limX, limY := uint64(max(w-1, 0))<<pixel.WeightBits, uint64(max(h-1, 0))<<pixel.WeightBits
	for len(dst) >= 3 {
		if packed == nil {
			dst = dst[3*pixel.SampleInside(dst, src, h, w, &walk):]
		}
		four := min(4, len(dst)/3)
		for k := range four {
			x, y := walk.At(k)
			xi, yi := int64(float64(x*weightOne)+0.5), int64(float64(y*weightOne)+0.5)
			var s uint64
			if uint64(xi) < limX && uint64(yi) < limY {
				fx, fy := uint64(xi)&(weightOne-1), uint64(yi)&(weightOne-1)
				both := (fx*fy + weightOne/2) >> pixel.WeightBits
				at := int(yi>>pixel.WeightBits)*w + int(xi>>pixel.WeightBits)
				var p0, p1, q0, q1 uint64
				if packed != nil {
					p := packed[at:]
					q := p[w : w+2]
					p0, p1, q0, q1 = p[0], p[1], q[0], q[1]
				} else {
					p0, p1, q0, q1 = lanes(src[3*at:]), lanes(src[3*at+3:]), lanes(src[3*(at+w):]), lanes(src[3*(at+w)+3:])
				}
				s = p0*(weightOne-fx-fy+both) + p1*(fx-both) + q0*(fy-both) + q1*both
			} else {
				t := tapsAt(x, y, h, w, mode)
				for i, at := range t.at {
					s += lanes(src[3*at:]) * uint64(float32(t.weight[i]*weightOne)+0.5)
				}
			}
			unpack(dst[3*k:], s)
		}
		walk.Next()
		dst = dst[3*four:]
	}
}

// sampleFloat is sampleBytes for a source [h,w,3] of float32, without
// rounding of weights.
func sampleFloat(dst, src []float32, h, w int, l line, mode preprocess.PadMode) {
	walk := l.walk()
	for i := 0; len(dst) >= 3; i, dst = i+1, dst[3:] {
		if i > 0 && i&3 == 0 {
			walk.Next()
		}
		x, y := walk.At(i)
		if x >= 0 && y >= 0 && x < float64(w-1) && y < float64(h-1) {
			x0, y0 := int(x), int(y)
			fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
			p := src[3*(y0*w+x0):][:6]
			q := src[3*((y0+1)*w+x0):][:6]
			for c := range 3 {
				top := p[c] + float32((p[c+3]-p[c])*fx)
				bottom := q[c] + float32((q[c+3]-q[c])*fx)
				dst[c] = top + float32((bottom-top)*fy)
			}
			continue
		}
		t := tapsAt(x, y, h, w, mode)
		var s [3]float32
		for i, at := range t.at {
			for c := range 3 {
				s[c] += float32(src[3*at+c] * t.weight[i])
			}
		}
		copy(dst[:3], s[:])
	}
}

// fourTaps are the pixels (as indices into a picture of rows of w) and weights
// of one sample at or beyond the border.
type fourTaps struct {
	at     [4]int
	weight [4]float32
}

func tapsAt(x, y float64, h, w int, mode preprocess.PadMode) (t fourTaps) {
	if mode != preprocess.Zeros {
		x, y = inside(x, w, mode), inside(y, h, mode)
	} else if !(x > -1 && y > -1 && x < float64(w) && y < float64(h)) {
		return t
	}
	fx, fy := math.Floor(x), math.Floor(y)
	wx, wy := x-fx, y-fy
	for i := range 4 {
		xi, yi := int(fx)+i&1, int(fy)+i>>1
		if xi < 0 || yi < 0 || xi >= w || yi >= h {
			continue // weight 0: black, or beyond the last pixel center
		}
		a, b := 1-wx, 1-wy
		if i&1 != 0 {
			a = wx
		}
		if i>>1 != 0 {
			b = wy
		}
		t.at[i], t.weight[i] = yi*w+xi, float32(a*b)
	}
	return t
}

// inside maps a coordinate to [0,n-1]: reflected about the border pixel
// centers, or held at them.
func inside(x float64, n int, mode preprocess.PadMode) float64 {
	last := float64(n - 1)
	if !(math.Abs(x) < 1e9) || n == 1 {
		return 0 // the horizon of a perspective map
	}
	if mode == preprocess.Reflection {
		x = math.Mod(math.Abs(x), 2*last)
		if x > last {
			x = float64(2*last) - x
		}
	}
	return max(0, min(x, last))
}
