package vision

import "math"

// Brightness and contrast act on the logit of a sample x in [0,1]:
//
//	y = sigmoid((logit(x) + logit(brightness)) · contrast)
//
// with x held to [1e-7, 1-1e-7] (fastai's Brightness, Contrast and logit). The
// curve is tabulated once per picture, finely near 0 and 1 where it is steep,
// and read with linear interpolation, which is within 0.02/255 of the formula.

const (
	lightEdge  = 4.0 // the fine parts are the lowest and highest 4 of 255 levels
	lightFine  = 256 // cells of each fine part
	lightPlain = 512 // cells of the middle
)

// curve is a tabulated function of a sample in [0,255].
type curve struct {
	cell [2*lightFine + lightPlain + 1]struct{ value, slope float32 }
}

// light is the formula, for x in [0,1]; gain is exp(logit(brightness)).
func light(x, gain, contrast float64) float64 {
	x = max(1e-7, min(x, 1-1e-7))
	r := x / (1 - x) * gain
	if contrast != 1 {
		r = math.Pow(r, contrast)
	}
	return r / (1 + r)
}

// set tabulates the curve of a picture.
func (c *curve) set(brightness, contrast float64) {
	gain := brightness / (1 - brightness)
	const middle = 255 - 2*lightEdge
	at := func(i int) float64 { // where cell i starts
		switch {
		case i <= lightFine:
			return lightEdge * float64(i) / lightFine
		case i <= lightFine+lightPlain:
			return lightEdge + middle*float64(i-lightFine)/lightPlain
		}
		return 255 - lightEdge + lightEdge*float64(i-lightFine-lightPlain)/lightFine
	}
	last := light(0, gain, contrast)
	for i := range c.cell {
		next := last
		if i+1 < len(c.cell) {
			next = light(at(i+1)/255, gain, contrast)
		}
		c.cell[i].value, c.cell[i].slope = float32(last), float32(next-last)
		last = next
	}
}

// apply replaces the samples of v, [n,3] in [0,255], by their values under the
// curve, normalised: y*scale+shift for scale and shift of Stats.affine(1).
func (c *curve) apply(v []float32, scale, shift [3]float32) {
	const (
		fine  = lightFine / lightEdge
		plain = lightPlain / (255 - 2*lightEdge)
	)
	for ; len(v) >= 3; v = v[3:] {
		for ch := range 3 {
			x := max(0, min(v[ch], 255))
			var t float32
			switch {
			case x < lightEdge:
				t = x * fine
			case x <= 255-lightEdge:
				t = (x-lightEdge)*plain + lightFine
			default:
				t = (x-(255-lightEdge))*fine + (lightFine + lightPlain)
			}
			i := int(t)
			cell := &c.cell[i]
			v[ch] = (cell.value+cell.slope*(t-float32(i)))*scale[ch] + shift[ch]
		}
	}
}

// normalizeRow is apply without a curve: v*scale+shift for scale and shift of
// Stats.affine(255).
func normalizeRow(v []float32, scale, shift [3]float32) {
	for ; len(v) >= 3; v = v[3:] {
		v[0] = v[0]*scale[0] + shift[0]
		v[1] = v[1]*scale[1] + shift[1]
		v[2] = v[2]*scale[2] + shift[2]
	}
}
