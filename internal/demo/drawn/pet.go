package drawn

import (
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// pet is one animal: its breed, and what is its own.
type pet struct {
	breed
	skin       coat
	ink        col
	mark       marking
	contrast   float64
	bib        bool // white muzzle, chest and paws, in any breed
	iris       col
	furSeed    uint64
	collar     col
	hasCollar  bool
	turn       float64 // how far the face looks aside, -1..1
	tongue     bool
	tailCurve  float64
	earSpread  float64
	headWidth  float64
	muzzleSize float64
}

func newPet(b breed, r *rng.Stream) *pet {
	p := &pet{breed: b}
	i := b.coats[r.IntN(len(b.coats))]
	if r.Bool(0.25) {
		i = r.IntN(len(coats))
	}
	p.skin = coats[i]
	hue, light := r.Uniform(-0.04, 0.04), r.Uniform(0.85, 1.1)
	shift := func(c col) col {
		return col{c.r * (1 + hue) * light, c.g * light, c.b * (1 - float64(2*hue)) * light, 1}
	}
	p.skin.base, p.skin.mark = shift(p.skin.base), shift(p.skin.mark)
	p.mark = newMarking(b.pattern, markScale(b.pattern), r)
	p.contrast = r.Uniform(0.6, 1)
	p.ink = p.skin.base.mix(rgb(0x1a1210), 0.72)
	p.bib = r.Bool(0.35)
	p.iris = hsl([]float64{0.1, 0.14, 0.3, 0.55}[r.IntN(4)], 0.6, 0.5)
	if b.dog {
		p.iris = hsl(0.07, 0.5, r.Uniform(0.15, 0.3))
	}
	p.furSeed = r.Uint64()
	p.collar, p.hasCollar = hsl(r.Float64(), 0.7, 0.45), r.Bool(0.35)
	p.turn = r.Uniform(-1, 1)
	p.tongue = b.dog && r.Bool(0.4)
	p.tailCurve = r.Uniform(-0.4, 0.6)
	p.earSpread = r.Uniform(0.9, 1.1)
	p.headWidth = r.Uniform(0.95, 1.08)
	p.muzzleSize = r.Uniform(0.9, 1.1)
	return p
}

// markScale is the spacing of markings in head radii.
func markScale(k pattern) float64 {
	switch k {
	case striped:
		return 0.36
	case spotted:
		return 0.5
	}
	return 0.45
}

// coatPaint is the fur of a part. Markings follow the part's own axes, turned
// by along; light comes from above.
func (p *pet) coatPaint(c *canvas, m affine, along float64, y0, y1 float64) paint {
	edge := c.px(m)
	sin, cos := math.Sincos(along)
	return func(x, y float64) col {
		u, v := float64(x*cos)+float64(y*sin), float64(-x*sin)+float64(y*cos)
		k := p.skin.base.mix(p.skin.mark, p.contrast*p.mark.at(u, v, edge))
		fur := 0.93 + float64(0.14*cloudy(p.furSeed, x*7, y*16))
		return k.lit(fur * (1.12 - float64(0.34*clamp01((y-y0)/(y1-y0)))))
	}
}

func (p *pet) outline(o poly, r *rng.Stream) poly {
	if p.fluffy {
		return furry(o, r, 0.16, 0.2)
	}
	return o
}

// inkWidth is the width of lines in head radii.
const inkWidth = 0.045

// part draws a piece of the body covered with fur.
func (p *pet) part(c *canvas, m affine, o poly, along float64, r *rng.Stream) {
	y0, y1 := math.Inf(1), math.Inf(-1)
	for _, q := range o {
		y0, y1 = min(y0, q.y), max(y1, q.y)
	}
	c.inked(p.outline(o, r), m, p.coatPaint(c, m, along, y0, y1), p.ink, inkWidth)
}

// drawPet places an animal in the picture in one of four poses.
func drawPet(c *canvas, r *rng.Stream, b breed) {
	p := newPet(b, r)
	pose := r.IntN(4)
	size := r.Uniform(0.85, 1.25)
	m := identity.at(0.5+r.Uniform(-0.12, 0.12), 0.5+r.Uniform(-0.08, 0.1)).rotated(r.Uniform(-0.18, 0.18))
	if r.Bool(0.5) {
		m = m.scaled(-1, 1)
	}
	m = m.then(affine{1, r.Uniform(-0.1, 0.1), 0, 0, r.Uniform(0.92, 1.08), 0})
	switch pose {
	case 0:
		p.portrait(c, m.scaled(0.27*size, 0.27*size), r)
	case 1:
		p.sitting(c, m.scaled(0.165*size, 0.165*size), r)
	case 2:
		p.standing(c, m.scaled(0.145*size, 0.145*size), r)
	default:
		p.lying(c, m.scaled(0.165*size, 0.165*size), r)
	}
}

// shadow darkens the ground below an animal.
func shadow(c *canvas, m affine, x, y, rx, ry float64) {
	c.fill(ellipse(x, y, rx, ry), m, func(u, v float64) col {
		d := math.Hypot((u-x)/rx, (v-y)/ry)
		return col{a: 0.4 * (1 - float64(d*d))}
	})
}

// portrait is the head and shoulders. All poses use head radii as unit.
func (p *pet) portrait(c *canvas, m affine, r *rng.Stream) {
	p.part(c, m, smooth(pt{-0.5, 0.6}, pt{0.5, 0.6}, pt{1.15 * p.build, 1.5}, pt{1.3 * p.build, 3}, pt{-1.3 * p.build, 3}, pt{-1.15 * p.build, 1.5}), math.Pi/2, r)
	p.chest(c, m, 0, 1.55, 0.5, 0.75)
	p.band(c, m, 0, 1.0, 0.75)
	p.head(c, m.at(0, -0.1).rotated(r.Uniform(-0.25, 0.25)), r)
}

// chest is the white bib.
func (p *pet) chest(c *canvas, m affine, x, y, rx, ry float64) {
	if p.bib {
		c.fill(ellipse(x, y, rx, ry), m, func(u, v float64) col {
			return rgb(0xf7f2ea).alpha(0.9 * soft(1-math.Hypot((u-x)/rx, (v-y)/ry), 0.25))
		})
	}
}

func (p *pet) band(c *canvas, m affine, x, y, w float64) {
	if p.hasCollar {
		c.stroke(curve(pt{x - w, y - 0.15}, pt{x, y + 0.12}, pt{x + w, y - 0.15}), false, 0.2, m, flat(p.collar))
		c.inked(ellipse(x, y+0.25, 0.13, 0.13), m, flat(rgb(0xf0c850)), rgb(0x8a6a18), inkWidth)
	}
}

func (p *pet) paw(c *canvas, m affine, x, y, s float64) {
	k := p.skin.base
	if p.bib {
		k = rgb(0xf7f2ea)
	}
	c.inked(ellipse(x, y, 0.36*s, 0.22*s), m, flat(k.lit(0.97)), p.ink, inkWidth)
	for _, d := range []float64{-0.1, 0.1} {
		c.stroke([]pt{{x + float64(d*s), y + 0.02}, {x + float64(d*s), y + float64(0.18*s)}}, false, inkWidth*0.8, m, flat(p.ink))
	}
}

// tail runs from (x,y) to the side, ending lift above.
func (p *pet) tail(c *canvas, m affine, x, y, reach, lift float64, r *rng.Stream) {
	w0, w1 := 0.34, 0.2
	if p.fluffy {
		w0, w1 = 0.5, 0.62
	} else if p.dog {
		w1 = 0.1
	}
	line := curve(pt{x, y}, pt{x + float64(0.6*reach), y + 0.15}, pt{x + reach, y - float64(0.4*lift)}, pt{x + float64(reach*(1+float64(0.3*p.tailCurve))), y - lift})
	p.part(c, m, limb(line, w0, w1), 0, r)
}

func (p *pet) leg(c *canvas, m affine, x, y0, y1, lean, w float64, r *rng.Stream) {
	p.part(c, m, limb(curve(pt{x, y0}, pt{x + float64(lean*0.3), (y0 + y1) / 2}, pt{x + lean, y1}), w*1.25, w), math.Pi/2, r)
	p.paw(c, m, x+lean+0.08, y1, w*1.7)
}

func (p *pet) sitting(c *canvas, m affine, r *rng.Stream) {
	w := p.build
	shadow(c, m, 0, 2.35, 2.0*w, 0.5)
	p.tail(c, m, 0.7*w, 2.0, 1.25, 0.7+p.tailCurve, r)
	for _, s := range []float64{-1, 1} { // thighs
		p.part(c, m, ellipse(s*0.78*w, 1.75, 0.62*w, 0.6), math.Pi/2, r)
		p.paw(c, m, s*0.95*w, 2.3, 0.95)
	}
	p.part(c, m, smooth(pt{-0.45, -0.3}, pt{0.45, -0.3}, pt{0.85 * w, 0.8}, pt{0.95 * w, 1.8}, pt{0, 2.25}, pt{-0.95 * w, 1.8}, pt{-0.85 * w, 0.8}), math.Pi/2, r)
	p.chest(c, m, 0, 0.6, 0.42, 0.7)
	for _, s := range []float64{-1, 1} {
		p.leg(c, m, s*0.36*w, 1.0, 2.3, s*0.02, 0.42, r)
	}
	p.band(c, m, 0, -0.05, 0.6)
	p.head(c, m.at(0, -1.0).rotated(r.Uniform(-0.2, 0.2)), r)
}

func (p *pet) standing(c *canvas, m affine, r *rng.Stream) {
	w := p.build
	shadow(c, m, 0, 2.1, 2.4, 0.45)
	stride := r.Uniform(-0.35, 0.35)
	p.tail(c, m.scaled(-1, 1), 1.35, -0.25, 1.2, 0.9+p.tailCurve, r)
	p.leg(c, m, -1.05, 0.5, 2.0, -stride, 0.4, r)
	p.leg(c, m, 1.05, 0.5, 2.0, stride, 0.4, r)
	p.part(c, m, smooth(pt{-1.6, -0.1}, pt{-0.8, -0.62 * w}, pt{0.6, -0.55 * w}, pt{1.5, -0.35}, pt{1.65, 0.4}, pt{0.9, 0.78 * w}, pt{-0.6, 0.68 * w}, pt{-1.5, 0.6}), 0, r)
	p.leg(c, m, -1.25, 0.5, 2.05, stride, 0.44, r)
	p.leg(c, m, 1.25, 0.5, 2.05, -stride, 0.44, r)
	p.part(c, m, limb(curve(pt{1.15, 0.1}, pt{1.45, -0.4}, pt{1.65, -0.95}), 1.0, 0.85), math.Pi/2, r)
	p.band(c, m, 1.6, -0.35, 0.5)
	p.head(c, m.at(1.75, -1.15).rotated(r.Uniform(-0.2, 0.25)), r)
}

func (p *pet) lying(c *canvas, m affine, r *rng.Stream) {
	w := p.build
	shadow(c, m, 0, 1.55, 2.4, 0.45)
	p.tail(c, m.scaled(-1, 1), 1.2, 1.2, 1.0, 0.2+p.tailCurve, r)
	p.part(c, m, smooth(pt{-1.75, 1.1}, pt{-1.5, 0.1}, pt{-0.5, -0.45 * w}, pt{0.7, -0.35 * w}, pt{1.5, 0.4}, pt{1.5, 1.3}, pt{0, 1.5}, pt{-1.3, 1.5}), 0, r)
	p.part(c, m, ellipse(-0.95, 0.85, 0.75*w, 0.62), 0, r)
	p.paw(c, m, -0.5, 1.45, 1)
	p.chest(c, m, 1.1, 0.75, 0.4, 0.5)
	p.leg(c, m, 1.05, 1.0, 1.45, 0.55, 0.42, r)
	p.leg(c, m, 0.55, 1.05, 1.5, 0.45, 0.42, r)
	p.band(c, m, 1.05, 0.35, 0.55)
	p.head(c, m.at(1.1, -0.5).rotated(r.Uniform(-0.25, 0.25)), r)
}
