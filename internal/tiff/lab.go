package tiff

import "math"

// labPixel converts CIE L*a*b* of 8 bits, L* from 0 to 255 and a*, b* signed
// (TIFF 6.0, section 23), to sRGB. The white is ICC's D50, as Pillow's color
// management has it.
func labPixel(dst []byte, l, a, b byte) {
	fy := (float64(l)*100/255 + 16) / 116
	x := 0.9642 * labInverse(fy+float64(int8(a))/500)
	y := labInverse(fy)
	z := 0.8249 * labInverse(fy-float64(int8(b))/200)
	// The matrix of sRGB adapted to D50 (ICC's sRGB profile), inverted.
	dst[0] = srgb(3.1338561*x - 1.6168667*y - 0.4906146*z)
	dst[1] = srgb(-0.9787684*x + 1.9161415*y + 0.0334540*z)
	dst[2] = srgb(0.0719453*x - 0.2289914*y + 1.4052427*z)
}

// labInverse is the inverse of CIE's cube root with its straight foot.
func labInverse(t float64) float64 {
	if t > 6.0/29 {
		return t * t * t
	}
	return 3 * 36 / 841.0 * (t - 4.0/29)
}

// srgb applies the transfer curve (IEC 61966-2-1) and rounds to 8 bits.
func srgb(v float64) byte {
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return byte(max(0, min(v*255+0.5, 255)))
}
