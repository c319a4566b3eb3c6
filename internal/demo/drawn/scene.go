package drawn

import (
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// scene is what surrounds the subject. Its kinds, colors and clutter do not
// depend on the class, and use the same patterns as coats do, so that neither
// the background nor the mere presence of stripes gives the class away.
type scene struct {
	kind    int
	hue     float64
	horizon float64
	things  int
	veil    bool
}

const (
	room = iota
	meadow
	shapes
	texture
	sceneKinds
)

func newScene(r *rng.Stream) scene {
	return scene{
		kind: r.IntN(sceneKinds), hue: r.Float64(), horizon: r.Uniform(0.5, 0.8),
		things: 1 + r.IntN(5), veil: r.Bool(0.4),
	}
}

// back paints everything behind the subject.
func (s scene) back(c *canvas, r *rng.Stream) {
	switch s.kind {
	case room:
		s.room(c, r)
	case meadow:
		s.meadow(c, r)
	case shapes:
		s.shapes(c, r)
	default:
		s.texture(c, r)
	}
	for range s.things {
		m := identity.at(r.Uniform(0, 1), r.Uniform(s.horizon-0.15, 1)).rotated(r.Uniform(-0.4, 0.4))
		size := r.Uniform(0.06, 0.16)
		thing(c, m.scaled(size, size), r)
	}
}

// front lays something before the subject in some pictures.
func (s scene) front(c *canvas, r *rng.Stream) {
	if !s.veil {
		return
	}
	if s.kind == meadow {
		blades(c, r, 18, 0.9)
		return
	}
	size := r.Uniform(0.08, 0.15)
	x := r.Uniform(0, 0.3)
	if r.Bool(0.5) {
		x = 1 - x
	}
	thing(c, identity.at(x, r.Uniform(0.8, 1)).scaled(size, size), r)
}

func (s scene) room(c *canvas, r *rng.Stream) {
	wall := hsl(s.hue, r.Uniform(0.1, 0.45), r.Uniform(0.45, 0.85))
	paper := newMarking(pattern(r.IntN(4)), r.Uniform(0.08, 0.2), r)
	paper.hollow = r.Bool(0.5)
	second := wall.mix(hsl(s.hue+r.Uniform(-0.1, 0.1), 0.4, r.Uniform(0.3, 0.9)), r.Uniform(0.3, 0.7))
	edge := c.px(identity)
	c.everywhere(func(x, y float64) col { return wall.mix(second, paper.at(x, y, edge)).lit(1.05 - float64(0.15*y)) })

	if r.Bool(0.5) { // a window or a picture on the wall
		x, y, w, h := r.Uniform(0, 0.8), r.Uniform(0, 0.25), r.Uniform(0.15, 0.35), r.Uniform(0.15, 0.35)
		frame := hsl(r.Float64(), 0.3, r.Uniform(0.25, 0.9))
		c.fill(box(x-0.02, y-0.02, x+w+0.02, y+h+0.02), identity, flat(frame))
		c.fill(box(x, y, x+w, y+h), identity, vertical(hsl(r.Float64(), 0.5, 0.8), hsl(r.Float64(), 0.4, 0.6), y, y+h))
	}
	floor := hsl(s.hue+r.Uniform(0.2, 0.8), r.Uniform(0.1, 0.5), r.Uniform(0.25, 0.7))
	rug := newMarking(pattern(r.IntN(4)), r.Uniform(0.08, 0.2), r)
	dark := floor.lit(r.Uniform(0.65, 0.9))
	h := s.horizon
	c.fill(box(0, h, 1, 1), identity, func(x, y float64) col {
		depth := (y - h + 0.15) / (1 - h + 0.15) // nearer rows are wider: a floor lies flat
		return floor.mix(dark, rug.at((x-0.5)/depth, 0.4/depth, edge*2)).lit(0.85 + float64(0.2*depth))
	})
	c.fill(box(0, h-0.018, 1, h), identity, flat(wall.mix(rgb(0xffffff), 0.6)))
}

func (s scene) meadow(c *canvas, r *rng.Stream) {
	sky := hsl(0.55+r.Uniform(-0.08, 0.08), r.Uniform(0.3, 0.7), r.Uniform(0.55, 0.8))
	if r.Bool(0.25) {
		sky = hsl(r.Uniform(0.03, 0.12), 0.6, 0.7) // evening
	}
	seed := r.Uint64()
	h := s.horizon
	c.everywhere(func(x, y float64) col {
		k := sky.mix(rgb(0xffffff), clamp01(y/h)*0.5)
		return k.mix(rgb(0xffffff), 0.8*soft(cloudy(seed, x*3, y*6)+float64(0.4*cloudy(seed+1, x*9, y*15))-0.95, 0.15))
	})
	for i := range 2 {
		hill := hsl(r.Uniform(0.2, 0.45), r.Uniform(0.2, 0.45), r.Uniform(0.3, 0.5))
		base, amp, f := h-0.12+float64(0.08*float64(i)), r.Uniform(0.03, 0.1), r.Uniform(1, 3)
		p := poly{{0, 1}}
		for k := range 33 {
			x := float64(k) / 32
			p = append(p, pt{x, base + float64(2*float64(amp*(cloudy(seed+uint64(i)+2, x*f, 0)-0.5)))})
		}
		c.fill(append(p, pt{1, 1}), identity, flat(hill))
	}
	for range r.IntN(4) {
		tree(c, identity.at(r.Uniform(0, 1), h+r.Uniform(-0.05, 0.05)).scaled(r.Uniform(0.1, 0.2), r.Uniform(0.1, 0.2)), r)
	}
	grass := hsl(r.Uniform(0.17, 0.36), r.Uniform(0.3, 0.6), r.Uniform(0.3, 0.5))
	c.fill(box(0, h, 1, 1), identity, func(x, y float64) col {
		return grass.lit(0.8 + float64(0.5*cloudy(seed+9, x*14, y*34)))
	})
	blades(c, r, 14, h+0.12)
}

// blades draws tufts of grass that stand around height y.
func blades(c *canvas, r *rng.Stream, n int, y float64) {
	for range n {
		k := hsl(r.Uniform(0.2, 0.36), r.Uniform(0.4, 0.6), r.Uniform(0.25, 0.5))
		x, foot := r.Float64(), y+r.Uniform(-0.08, 0.15)
		tip := r.Uniform(0.06, 0.16)
		lean := r.Uniform(-0.05, 0.05)
		c.fill(poly{{x - 0.008, foot}, {x + lean, foot - tip}, {x + 0.008, foot}}, identity, flat(k))
	}
}

func (s scene) shapes(c *canvas, r *rng.Stream) {
	a, b := hsl(s.hue, r.Uniform(0.2, 0.6), r.Uniform(0.3, 0.8)), hsl(s.hue+r.Uniform(0, 0.4), r.Uniform(0.2, 0.6), r.Uniform(0.3, 0.8))
	sin, cos := math.Sincos(r.Uniform(0, 2*math.Pi))
	c.everywhere(func(x, y float64) col { return a.mix(b, clamp01(float64((x-0.5)*cos)+float64((y-0.5)*sin)+0.5)) })
	for range 6 + r.IntN(10) {
		k := hsl(r.Float64(), r.Uniform(0.2, 0.7), r.Uniform(0.25, 0.85))
		size := r.Uniform(0.05, 0.22)
		m := identity.at(r.Uniform(0, 1), r.Uniform(0, 1)).rotated(r.Uniform(0, 2*math.Pi)).scaled(size, size)
		mark := newMarking(pattern(r.IntN(4)), 0.5, r)
		other, edge := k.lit(r.Uniform(0.5, 0.8)), c.px(m)
		c.fill(outline(r), m, func(x, y float64) col { return k.mix(other, mark.at(x, y, edge)) })
	}
}

// outline is one of a few plain shapes about the unit circle.
func outline(r *rng.Stream) poly {
	switch r.IntN(5) {
	case 0:
		return ellipse(0, 0, 1, 1)
	case 1:
		return box(-1, -0.7, 1, 0.7)
	case 2:
		return poly{{0, -1}, {0.9, 0.7}, {-0.9, 0.7}}
	case 3:
		var p poly
		for i := range 10 {
			s, c := math.Sincos(float64(i) * math.Pi / 5)
			k := 1 - float64(0.5*float64(i%2))
			p = append(p, pt{k * s, -k * c})
		}
		return p
	}
	var p poly
	for i := range 7 {
		s, c := math.Sincos(2 * math.Pi * float64(i) / 7)
		k := r.Uniform(0.6, 1.1)
		p = append(p, pt{k * c, k * s})
	}
	return smooth(p...)
}

func (s scene) texture(c *canvas, r *rng.Stream) {
	a, b := hsl(s.hue, r.Uniform(0.15, 0.5), r.Uniform(0.25, 0.6)), hsl(s.hue+r.Uniform(-0.15, 0.15), r.Uniform(0.15, 0.5), r.Uniform(0.5, 0.85))
	seed, fx, fy := r.Uint64(), r.Uniform(3, 16), r.Uniform(3, 16)
	c.everywhere(func(x, y float64) col {
		return a.mix(b, float64(0.6*cloudy(seed, x*fx, y*fy))+float64(0.4*cloudy(seed+1, x*fx*3, y*fy*3)))
	})
}

// thing draws one object of a household or garden within the unit circle.
func thing(c *canvas, m affine, r *rng.Stream) {
	k := hsl(r.Float64(), r.Uniform(0.3, 0.75), r.Uniform(0.3, 0.75))
	ink, edge := k.lit(0.5), c.px(m)
	mark := newMarking(pattern(r.IntN(4)), 0.4, r)
	other := hsl(r.Float64(), r.Uniform(0.1, 0.6), r.Uniform(0.2, 0.9))
	cloth := func(x, y float64) col { return k.mix(other, mark.at(x, y, edge)) }
	switch r.IntN(7) {
	case 0: // ball
		c.inked(ellipse(0, 0, 0.8, 0.8), m, func(x, y float64) col { return cloth(x, y).lit(1.1 - float64(0.35*math.Hypot(x+0.3, y+0.3))) }, ink, 0.06)
	case 1: // cushion
		c.inked(smooth(pt{-0.9, -0.65}, pt{0, -0.55}, pt{0.9, -0.65}, pt{0.8, 0}, pt{0.9, 0.65}, pt{0, 0.55}, pt{-0.9, 0.65}, pt{-0.8, 0}), m, cloth, ink, 0.05)
	case 2: // box
		c.inked(box(-0.8, -0.5, 0.8, 0.8), m, cloth, ink, 0.06)
		c.inked(box(-0.9, -0.75, 0.9, -0.45), m, flat(k.lit(0.8)), ink, 0.06)
	case 3: // plant in a pot
		leaf := hsl(r.Uniform(0.2, 0.42), 0.45, r.Uniform(0.25, 0.5))
		for i := range 7 {
			a := (float64(i)/6 - 0.5) * 2.4
			s, co := math.Sincos(a)
			c.inked(limb(curve(pt{0, 0.1}, pt{0.5 * s, float64(-0.5*co) + 0.1}, pt{s, float64(-0.95*co) + 0.2}), 0.28, 0.05), m, flat(leaf.lit(0.8+float64(0.06*float64(i)))), leaf.lit(0.6), 0.03)
		}
		c.inked(poly{{-0.45, 0.1}, {0.45, 0.1}, {0.32, 0.9}, {-0.32, 0.9}}, m, cloth, ink, 0.05)
	case 4: // bone
		bone := rgb(0xf3ead6)
		c.fillAll([]poly{ellipse(-0.7, -0.18, 0.24, 0.22), ellipse(-0.7, 0.18, 0.24, 0.22), ellipse(0.7, -0.18, 0.24, 0.22), ellipse(0.7, 0.18, 0.24, 0.22), box(-0.7, -0.17, 0.7, 0.17)}, m, flat(bone))
	case 5: // lamp
		c.fill(box(-0.06, -0.2, 0.06, 0.8), m, flat(ink))
		c.fill(ellipse(0, 0.82, 0.4, 0.12), m, flat(ink))
		c.inked(poly{{-0.3, -0.9}, {0.3, -0.9}, {0.6, -0.1}, {-0.6, -0.1}}, m, cloth, ink, 0.05)
	default: // books
		for i := range 3 {
			y := 0.8 - float64(0.36*float64(i))
			x := r.Uniform(-0.15, 0.15)
			b := hsl(r.Float64(), 0.45, r.Uniform(0.3, 0.7))
			c.inked(box(x-0.8, y-0.34, x+0.8, y), m, flat(b), b.lit(0.5), 0.05)
			c.fill(box(x-0.55, y-0.34, x-0.45, y), m, flat(b.mix(rgb(0xffffff), 0.5)))
		}
	}
}

func tree(c *canvas, m affine, r *rng.Stream) {
	trunk, leaf := hsl(0.07, 0.35, 0.3), hsl(r.Uniform(0.2, 0.42), 0.4, r.Uniform(0.25, 0.45))
	c.fill(box(-0.1, -0.9, 0.1, 0.1), m, flat(trunk))
	if r.Bool(0.5) {
		c.fillAll([]poly{ellipse(0, -1.3, 0.6, 0.6), ellipse(-0.35, -1, 0.5, 0.4), ellipse(0.35, -1, 0.5, 0.4)}, m, flat(leaf))
		return
	}
	for i := range 3 {
		y := -0.5 - float64(0.45*float64(i))
		w := 0.7 - float64(0.15*float64(i))
		c.fill(poly{{-w, y}, {0, y - 0.8}, {w, y}}, m, flat(leaf.lit(1+float64(0.1*float64(i)))))
	}
}
