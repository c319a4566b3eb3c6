package drawn

import (
	"image"
	"math"

	"golang.org/x/image/vector"

	"github.com/whippet-ml/whippet/rng"
)

// col is a color, components and opacity in 0..1, not premultiplied.
type col struct{ r, g, b, a float64 }

func rgb(hex uint32) col {
	return col{float64(hex>>16&255) / 255, float64(hex>>8&255) / 255, float64(hex&255) / 255, 1}
}

// hsl is a color of hue in turns, saturation and lightness.
func hsl(h, s, l float64) col {
	h -= math.Floor(h)
	f := func(n float64) float64 {
		k := math.Mod(n+float64(h*12), 12)
		return l - float64(s*min(l, 1-l)*max(-1, min(k-3, min(9-k, 1))))
	}
	return col{f(0), f(8), f(4), 1}
}

func (c col) mix(d col, t float64) col {
	return col{c.r + float64((d.r-c.r)*t), c.g + float64((d.g-c.g)*t), c.b + float64((d.b-c.b)*t), c.a + float64((d.a-c.a)*t)}
}

// lit is the color under more (k > 1) or less light.
func (c col) lit(k float64) col { return col{c.r * k, c.g * k, c.b * k, c.a} }

func (c col) alpha(a float64) col { return col{c.r, c.g, c.b, a} }

func (c col) luma() float64 { return float64(0.299*c.r) + float64(0.587*c.g) + float64(0.114*c.b) }

// paint gives the color at a point of the local coordinates.
type paint func(x, y float64) col

func flat(c col) paint { return func(_, _ float64) col { return c } }

// vertical shades from one color at y0 to another at y1.
func vertical(a, b col, y0, y1 float64) paint {
	return func(_, y float64) col { return a.mix(b, clamp01((y-y0)/(y1-y0))) }
}

func clamp01(v float64) float64 { return min(max(v, 0), 1) }

// soft is 0 below -w, 1 above w and smooth between.
func soft(v, w float64) float64 {
	t := clamp01((v + w) / (2 * w))
	return t * t * (3 - float64(2*t))
}

// canvas is a square picture in floating point; the unit square covers it.
type canvas struct {
	size int
	pix  []float32 // [size][size][3], 0..1
	base affine    // unit square to pixels
	ras  vector.Rasterizer
	mask []uint8
}

func newCanvas(size int) *canvas {
	s := float64(size)
	return &canvas{size: size, pix: make([]float32, size*size*3), base: affine{a: s, e: s}, mask: make([]uint8, size*size)}
}

// px is the length of a pixel in m's local units: how soft an edge inside a
// paint must be not to show steps.
func (c *canvas) px(m affine) float64 { return 1 / max(c.base.then(m).unit(), 1e-9) }

// everywhere paints the whole canvas in unit coordinates.
func (c *canvas) everywhere(p paint) {
	for y := range c.size {
		for x := range c.size {
			c.blend(x, y, p((float64(x)+0.5)/float64(c.size), (float64(y)+0.5)/float64(c.size)), 1)
		}
	}
}

func (c *canvas) blend(x, y int, k col, cover float64) {
	i := (y*c.size + x) * 3
	a := float32(k.a * cover)
	c.pix[i] += float32((float32(k.r) - c.pix[i]) * a)
	c.pix[i+1] += float32((float32(k.g) - c.pix[i+1]) * a)
	c.pix[i+2] += float32((float32(k.b) - c.pix[i+2]) * a)
}

// fill paints the inside of an outline, both in m's local coordinates. The
// coverage of edge pixels is exact to 1/255.
func (c *canvas) fill(p poly, m affine, with paint) { c.fillAll([]poly{p}, m, with) }

// fillAll paints the union of outlines that run the same way round.
func (c *canvas) fillAll(ps []poly, m affine, with paint) {
	full := c.base.then(m)
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range ps {
		for _, q := range p {
			q = full.apply(q)
			x0, y0, x1, y1 = min(x0, q.x), min(y0, q.y), max(x1, q.x), max(y1, q.y)
		}
	}
	s := float64(c.size)
	if !(x0 < s && y0 < s && x1 > 0 && y1 > 0) {
		return
	}
	ix0, iy0 := int(math.Floor(max(x0, 0))), int(math.Floor(max(y0, 0)))
	w, h := int(math.Ceil(min(x1, s)))-ix0, int(math.Ceil(min(y1, s)))-iy0
	if w < 1 || h < 1 {
		return
	}
	c.ras.Reset(w, h)
	for _, p := range ps {
		for i, q := range p {
			q = full.apply(q)
			x, y := float32(q.x-float64(ix0)), float32(q.y-float64(iy0))
			if i == 0 {
				c.ras.MoveTo(x, y)
			} else {
				c.ras.LineTo(x, y)
			}
		}
		c.ras.ClosePath()
	}
	mask := &image.Alpha{Pix: c.mask[:w*h], Stride: w, Rect: image.Rect(0, 0, w, h)}
	clear(mask.Pix)
	c.ras.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	inv := full.inverse()
	for y := range h {
		for x := range w {
			if a := mask.Pix[y*w+x]; a != 0 {
				q := inv.apply(pt{float64(x+ix0) + 0.5, float64(y+iy0) + 0.5})
				c.blend(x+ix0, y+iy0, with(q.x, q.y), float64(a)/255)
			}
		}
	}
}

// stroke draws a line of the given width along points, with round joins.
func (c *canvas) stroke(points []pt, closed bool, width float64, m affine, with paint) {
	n := len(points)
	last := n - 1
	if closed {
		last = n
	}
	h := width / 2
	var parts []poly
	for i := range last {
		a, b := points[i], points[(i+1)%n]
		dx, dy := b.x-a.x, b.y-a.y
		l := math.Hypot(dx, dy)
		if l == 0 {
			continue
		}
		dx, dy = float64(dx/l*h), float64(dy/l*h)
		// A box with pointed ends covers the join of shallow corners.
		parts = append(parts, poly{
			{a.x - dy, a.y + dx}, {a.x - dx, a.y - dy}, {a.x + dy, a.y - dx},
			{b.x + dy, b.y - dx}, {b.x + dx, b.y + dy}, {b.x - dy, b.y + dx},
		})
	}
	if len(parts) > 0 {
		c.fillAll(parts, m, with)
	}
}

// inked fills an outline and draws its edge.
func (c *canvas) inked(p poly, m affine, with paint, ink col, width float64) {
	c.fill(p, m, with)
	c.stroke(p, true, width, m, flat(ink))
}

// develop turns the canvas into a picture as a camera would: light falling off
// to one side, exposure, contrast, a cast and grain, each a little different.
func (c *canvas) develop(r *rng.Stream) *image.RGBA {
	angle, fall := r.Uniform(0, 2*math.Pi), r.Uniform(0, 0.35)
	gain, contrast := r.Uniform(0.8, 1.15), r.Uniform(0.8, 1.15)
	cast := [3]float64{r.Uniform(0.93, 1.07), r.Uniform(0.96, 1.04), r.Uniform(0.93, 1.07)}
	grain := r.Uniform(0, 0.035)
	noise := rng.New(r.Uint64())
	sin, cos := math.Sincos(angle)
	out := image.NewRGBA(image.Rect(0, 0, c.size, c.size))
	for y := range c.size {
		for x := range c.size {
			u, v := (float64(x)+0.5)/float64(c.size)-0.5, (float64(y)+0.5)/float64(c.size)-0.5
			light := gain * (1 - float64(fall*(float64(u*cos)+float64(v*sin)+0.5)))
			// The sum of two uniforms is near enough to film grain, and cheap.
			g := float64(grain * 2.45 * (noise.Float64() + noise.Float64() - 1))
			i, o := (y*c.size+x)*3, out.PixOffset(x, y)
			for k := range 3 {
				t := float64((float64(float64(c.pix[i+k])*light*cast[k])-0.5)*contrast) + 0.5 + g
				out.Pix[o+k] = uint8(float64(clamp01(t)*255) + 0.5)
			}
			out.Pix[o+3] = 255
		}
	}
	return out
}
