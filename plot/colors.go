package plot

import (
	"image/color"
	"math"
)

// oklab is a color of Björn Ottosson's Oklab space (2020), in which equal
// steps look equal: lightness 0..1 and two opponent axes.
type oklab struct{ l, a, b float64 }

// lch is the polar form: lightness, chroma and hue in degrees.
func lch(l, c, hue float64) oklab {
	s, co := math.Sincos(hue * math.Pi / 180)
	return oklab{l, c * co, c * s}
}

// linear converts to linear-light sRGB, which may be out of 0..1.
func (k oklab) linear() (r, g, b float64) {
	l := k.l + 0.3963377774*k.a + 0.2158037573*k.b
	m := k.l - 0.1055613458*k.a - 0.0638541728*k.b
	s := k.l - 0.0894841775*k.a - 1.2914855480*k.b
	l, m, s = l*l*l, m*m*m, s*s*s
	return 4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s
}

// rgba converts to sRGB; a color outside its gamut loses chroma, keeping
// lightness and hue.
func (k oklab) rgba() color.RGBA {
	inside := func(v oklab) bool {
		r, g, b := v.linear()
		const e = 1e-4
		return min(r, g, b) >= -e && max(r, g, b) <= 1+e
	}
	if !inside(k) {
		lo, hi := 0.0, 1.0
		for range 20 {
			mid := (lo + hi) / 2
			if inside(oklab{k.l, k.a * mid, k.b * mid}) {
				lo = mid
			} else {
				hi = mid
			}
		}
		k.a, k.b = k.a*lo, k.b*lo
	}
	r, g, b := k.linear()
	return color.RGBA{gamma(r), gamma(g), gamma(b), 255}
}

func gamma(v float64) uint8 {
	v = min(max(v, 0), 1)
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(v*255 + 0.5)
}

// HeatColor maps v in 0..1 (values outside are taken to the nearer end, NaN to
// 0) to a perceptual color: lightness rises evenly from dark violet over red
// and orange to pale yellow, so that it also reads in gray and for color-blind
// eyes.
func HeatColor(v float64) color.RGBA {
	if !(v > 0) {
		v = 0
	}
	v = min(v, 1)
	return heatTable[int(v*(heatSteps-1)+0.5)]
}

const heatSteps = 256

var heatTable = func() (t [heatSteps]color.RGBA) {
	for i := range t {
		v := float64(i) / (heatSteps - 1)
		// Hue runs 295° → 110° (violet, through magenta and red, to yellow);
		// chroma is largest past the middle,
		// where the gamut is widest.
		hue := 295 + 175*math.Pow(v, 0.85)
		t[i] = lch(0.16+0.79*v, 0.05+0.2*math.Sin(math.Pi*0.82*v), math.Mod(hue, 360)).rgba()
	}
	return
}()

// shade is a scale of one hue from nearly white (v = 0) to dark (v = 1).
func shade(v, hue float64) color.RGBA {
	v = min(max(v, 0), 1)
	return lch(0.975-0.53*v, 0.012+0.14*math.Sin(math.Pi/2*v), hue).rgba()
}

// on returns a color for text that can be read on k.
func on(k color.RGBA) color.RGBA {
	if luminance(k) < 0.36 {
		return paper
	}
	return ink
}

// luminance is the relative luminance of sRGB, 0..1.
func luminance(k color.RGBA) float64 {
	f := func(v uint8) float64 { return math.Pow(float64(v)/255, 2.2) }
	return 0.2126*f(k.R) + 0.7152*f(k.G) + 0.0722*f(k.B)
}
