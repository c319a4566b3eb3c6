package tiff

import (
	"math"
	"sync"
)

// Pillow leaves L*a*b* to LittleCMS, which does not compute the colors but
// interpolates them among those of a grid, also where the edge of what sRGB can
// show runs between its points. To have the same pixels, so does this file.

// labGrid is how many points the grid has along each axis.
const labGrid = 33

// labColors has sRGB in 16 bits at the points of the grid: L* from 0 to 100 in
// the outermost axis, then a* and b* from -128 to 127.
var labColors = sync.OnceValue(func() *[labGrid * labGrid * labGrid][3]int32 {
	var t [labGrid * labGrid * labGrid][3]int32
	const steps = labGrid - 1
	for i := range t {
		l := float64(i/labGrid/labGrid) * 100 / steps
		a := float64(float64(i/labGrid%labGrid)*255/steps) - 128
		b := float64(float64(i%labGrid)*255/steps) - 128
		t[i] = labColor(l, a, b)
	}
	return &t
})

// labPixel converts CIE L*a*b* of 8 bits, L* from 0 to 255 and a*, b* signed
// (TIFF 6.0, section 23), to sRGB: by the four points of the grid that span the
// tetrahedron in which the color lies, from the corner at the origin of its cube
// to the opposite one, along the axis with the largest rest first.
func labPixel(dst []byte, l, a, b byte) {
	t := labColors()
	var rest [3]int32 // of 2^16, the way to the next point along each axis
	at := 0
	for i, v := range [3]byte{l, a + 128, b + 128} {
		x := int32(v) * 257 * (labGrid - 1)
		x += (x + 0x7fff) / 0xffff
		at = at*labGrid + int(x>>16)
		rest[i] = x & 0xffff
	}
	steps := [3]int{labGrid * labGrid, labGrid, 1}
	order := [3]int{0, 1, 2}
	for _, pair := range [3][2]int{{0, 1}, {1, 2}, {0, 1}} {
		if i, k := pair[0], pair[1]; rest[order[i]] < rest[order[k]] {
			order[i], order[k] = order[k], order[i]
		}
	}
	from := t[at]
	var sum [3]int64
	here := from
	for _, axis := range order {
		if rest[axis] == 0 { // the next point may lie outside
			continue
		}
		at += steps[axis]
		for c := range sum {
			sum[c] += int64(t[at][c]-here[c]) * int64(rest[axis])
		}
		here = t[at]
	}
	for c := range sum {
		s := sum[c] + 0x8001
		v := int64(from[c]) + (s+s>>16)>>16
		dst[c] = byte((v*65281 + 1<<23) >> 24)
	}
}

// labColor computes sRGB in 16 bits. The white is ICC's D50, and the matrix is
// that of sRGB adapted to it, inverted.
func labColor(l, a, b float64) [3]int32 {
	fy := (l + 16) / 116
	x := 0.9642 * labInverse(fy+a/500)
	y := labInverse(fy)
	z := 0.8249 * labInverse(fy-b/200)
	return [3]int32{
		srgb(float64(3.1341864*x) - float64(1.6172090*y) - float64(0.4906941*z)),
		srgb(float64(-0.9787485*x) + float64(1.9161301*y) + float64(0.0334334*z)),
		srgb(float64(0.0719639*x) - float64(0.2289939*y) + float64(1.4057537*z)),
	}
}

// labInverse is the inverse of CIE's cube root with its straight foot.
func labInverse(t float64) float64 {
	if t > 24.0/116 {
		return t * t * t
	}
	return 108 / 841.0 * (t - 16.0/116)
}

// srgb applies the transfer curve (IEC 61966-2-1) and rounds to 16 bits.
func srgb(v float64) int32 {
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = float64(1.055*math.Pow(v, 1/2.4)) - 0.055
	}
	return int32(max(0, min(float64(v*65535)+0.5, 65535)))
}
