package vision

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/pixel"
)

// Brightness and contrast act on the logit of a sample x in [0,1]:
//
//	y = sigmoid((logit(x) + logit(brightness)) · contrast)
//
// with x held to [1e-7, 1-1e-7] (fastai's Brightness, Contrast and logit). The
// curve is tabulated once per picture, finely near 0 and 1 where it is steep,
// and read with linear interpolation, which is within 0.02/255 of the formula.

// light is the formula, for x in [0,1]; gain is exp(logit(brightness)).
func light(x, gain, contrast float64) float64 {
	x = max(1e-7, min(x, 1-1e-7))
	r := x / (1 - x) * gain
	if contrast != 1 {
		r = math.Pow(r, contrast)
	}
	return r / (1 + r)
}

// tabulate sets c to the curve of a picture.
func tabulate(c *pixel.ToneCurve, brightness, contrast float64) {
	gain := brightness / (1 - brightness)
	last := light(0, gain, contrast)
	for i := range c.Cell {
		next := last
		if i+1 < len(c.Cell) {
			next = light(c.Start(i+1)/255, gain, contrast)
		}
		c.Cell[i] = pixel.Cell{Value: float32(last), Slope: float32(next - last)}
		last = next
	}
}

// normalizeRow is ToneCurve.Apply without a curve: v*scale+shift for scale and shift of
// affine(stats, 255).
func normalizeRow(v []float32, scale, shift [3]float32) {
	for ; len(v) >= 3; v = v[3:] {
		v[0] = float32(v[0]*scale[0]) + shift[0]
		v[1] = float32(v[1]*scale[1]) + shift[1]
		v[2] = float32(v[2]*scale[2]) + shift[2]
	}
}
