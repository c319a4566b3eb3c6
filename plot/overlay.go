package plot

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
)

// OverlayOptions are the choices of Overlay.
type OverlayOptions struct {
	// Alpha is how much of the heat map covers the picture where it is hottest,
	// 0..1; 0 means 0.6, as in the fastai book's Grad-CAM pictures.
	Alpha float64
	// Lo and Hi are the heats drawn coldest and hottest; both 0 means 0 and the
	// map's maximum, as suits Grad-CAM, whose values below 0 mean nothing.
	Lo, Hi float64
}

// Overlay lays a heat map over a picture, as for Grad-CAM: heat is [h][w] in
// row-major order, h·w values, and is stretched over the picture with bilinear
// interpolation (corners not aligned, as PyTorch's interpolate by default).
// Hot places take the colors of HeatColor; cold ones show the picture, a
// little faded. A map without any heat leaves the picture faded. The result has
// the picture's size and starts at (0,0).
//
// It returns an error when the picture is empty, h or w is not positive, heat
// has another length or holds a value that is not finite.
func Overlay(img image.Image, heat []float32, h, w int, o OverlayOptions) (*image.RGBA, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, fmt.Errorf("plot: a heat map over an empty picture")
	}
	if h < 1 || w < 1 || len(heat)/w != h || len(heat)%w != 0 {
		return nil, fmt.Errorf("plot: a heat map of %d×%d with %d values", h, w, len(heat))
	}
	if !(o.Alpha >= 0 && o.Alpha <= 1) {
		return nil, fmt.Errorf("plot: OverlayOptions.Alpha is %v; it must be in 0..1", o.Alpha)
	}
	o.Alpha = cmp.Or(o.Alpha, 0.6)
	top := 0.0
	for i, v := range heat {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("plot: the heat map has %v at row %d, column %d", v, i/w, i%w)
		}
		top = max(top, float64(v))
	}
	lo, hi := o.Lo, o.Hi
	if lo == 0 && hi == 0 {
		hi = top
	}
	if !(hi >= lo) || math.IsInf(hi-lo, 0) {
		return nil, fmt.Errorf("plot: OverlayOptions.Lo is %v and Hi %v; Lo must not be above Hi", lo, hi)
	}
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, b.Min, draw.Over)
	for y := range b.Dy() {
		for x := range b.Dx() {
			v := 0.0
			if hi > lo {
				v = bilinear(heat, h, w, (float64(y)+0.5)*float64(h)/float64(b.Dy())-0.5, (float64(x)+0.5)*float64(w)/float64(b.Dx())-0.5)
				v = min(max((v-lo)/(hi-lo), 0), 1)
			}
			p := out.Pix[out.PixOffset(x, y):][:4]
			lay(p, HeatColor(v), o.Alpha*(0.15+0.85*math.Sqrt(v)))
		}
	}
	return out, nil
}

// lay mixes a color into an opaque pixel.
func lay(p []uint8, k color.RGBA, a float64) {
	for i, v := range [3]uint8{k.R, k.G, k.B} {
		p[i] = uint8(float64(p[i])*(1-a) + float64(v)*a + 0.5)
	}
}

// bilinear samples an [h][w] map; outside it its edge goes on.
func bilinear(m []float32, h, w int, y, x float64) float64 {
	y, x = min(max(y, 0), float64(h-1)), min(max(x, 0), float64(w-1))
	y0, x0 := int(y), int(x)
	y1, x1 := min(y0+1, h-1), min(x0+1, w-1)
	ty, tx := y-float64(y0), x-float64(x0)
	at := func(r, c int) float64 { return float64(m[r*w+c]) }
	return (at(y0, x0)*(1-tx)+at(y0, x1)*tx)*(1-ty) + (at(y1, x0)*(1-tx)+at(y1, x1)*tx)*ty
}
