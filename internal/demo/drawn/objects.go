package drawn

import (
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// object is a class of the pretraining task: something drawn within the unit
// circle. Many come in any pattern, a few are told apart by their pattern, and
// the animals by ears and faces: the features that breeds need too.
type object struct {
	name string
	draw func(a *artist)
}

// objects are sorted by name.
var objects = []object{
	{"balloon", (*artist).balloon},
	{"bear", (*artist).bear},
	{"boat", (*artist).boat},
	{"butterfly", (*artist).butterfly},
	{"cactus", (*artist).cactus},
	{"car", (*artist).car},
	{"fox", (*artist).fox},
	{"frog", (*artist).frog},
	{"house", (*artist).house},
	{"mouse", (*artist).mouse},
	{"mug", (*artist).mug},
	{"mushroom", (*artist).mushroom},
	{"owl", (*artist).owl},
	{"patched_vase", func(a *artist) { a.vase(patched) }},
	{"pig", (*artist).pig},
	{"rabbit", (*artist).rabbit},
	{"snail", (*artist).snail},
	{"spotted_fish", func(a *artist) { a.fish(spotted) }},
	{"striped_fish", func(a *artist) { a.fish(striped) }},
	{"umbrella", (*artist).umbrella},
}

// artist holds what the drawing of one object needs.
type artist struct {
	c     *canvas
	m     affine
	r     *rng.Stream
	k     col // main color
	other col // second color
	ink   col
	fuzzy bool // animals: with tufts of fur
	mark  marking
}

const objectInk = 0.04

// drawObject places an object in the picture.
func drawObject(c *canvas, r *rng.Stream, o object) {
	size := r.Uniform(0.26, 0.44)
	m := identity.at(0.5+r.Uniform(-0.14, 0.14), 0.52+r.Uniform(-0.12, 0.12)).rotated(r.Uniform(-0.25, 0.25))
	if r.Bool(0.5) {
		m = m.scaled(-1, 1)
	}
	m = m.then(affine{size * r.Uniform(0.88, 1.12), size * r.Uniform(-0.12, 0.12), 0, 0, size, 0})
	a := &artist{c: c, m: m, r: r, fuzzy: r.Bool(0.4)}
	a.k = hsl(r.Float64(), r.Uniform(0.3, 0.8), r.Uniform(0.35, 0.7))
	if r.Bool(0.3) {
		a.k = coats[r.IntN(len(coats))].base
	}
	a.other = a.k.lit(r.Uniform(0.4, 0.65))
	if a.k.luma() < 0.4 || r.Bool(0.3) {
		a.other = a.k.mix(rgb(0xfff8e8), r.Uniform(0.55, 0.85))
	}
	a.ink = a.k.mix(rgb(0x1a1210), 0.72)
	a.mark = newMarking(pattern(r.IntN(4)), 0.36, r)
	o.draw(a)
}

// cloth is the object's colors in its pattern, lit from above.
func (a *artist) cloth() paint {
	edge := a.c.px(a.m)
	return func(x, y float64) col {
		return a.k.mix(a.other, a.mark.at(x, y, edge)).lit(1.1 - float64(0.14*(y+1)))
	}
}

func (a *artist) shape(p poly, with paint) { a.c.inked(p, a.m, with, a.ink, objectInk) }

func (a *artist) plain(p poly, k col) { a.c.inked(p, a.m, flat(k), a.ink, objectInk) }

func (a *artist) line(width float64, k col, points ...pt) {
	a.c.stroke(curve(points...), false, width, a.m, flat(k))
}

func (a *artist) balloon() {
	a.line(0.04, a.ink, pt{0, 0.55}, pt{0.12, 0.75}, pt{-0.1, 0.95}, pt{0.05, 1.2})
	a.plain(poly{{0, 0.42}, {0.13, 0.62}, {-0.13, 0.62}}, a.other)
	a.shape(smooth(pt{0, -1}, pt{0.68, -0.7}, pt{0.72, -0.1}, pt{0, 0.52}, pt{-0.72, -0.1}, pt{-0.68, -0.7}), a.cloth())
	a.c.fill(ellipse(-0.3, -0.6, 0.12, 0.2), a.m, flat(rgb(0xffffff).alpha(0.6)))
}

func (a *artist) boat() {
	a.plain(box(-0.05, -1, 0.05, 0.35), a.ink)
	a.shape(smooth(pt{0.08, -0.95}, pt{0.75, 0.2}, pt{0.4, 0.25}, pt{0.08, 0.22}), a.cloth())
	a.plain(poly{{-0.08, -0.7}, {-0.6, 0.22}, {-0.08, 0.22}}, rgb(0xf6f1e4))
	a.plain(smooth(pt{-1, 0.3}, pt{0, 0.38}, pt{1, 0.3}, pt{0.65, 0.85}, pt{-0.65, 0.85}), a.other)
}

func (a *artist) butterfly() {
	w := a.cloth()
	for _, s := range []float64{-1, 1} {
		a.shape(smooth(pt{s * 0.06, -0.1}, pt{s * 0.45, -0.85}, pt{s * 1.0, -0.75}, pt{s * 0.8, -0.1}), w)
		a.shape(smooth(pt{s * 0.06, 0}, pt{s * 0.75, 0.05}, pt{s * 0.7, 0.7}, pt{s * 0.3, 0.75}), w)
		a.line(0.04, a.ink, pt{0, -0.4}, pt{s * 0.12, -0.75}, pt{s * 0.28, -0.95})
	}
	a.plain(ellipse(0, 0.05, 0.1, 0.55), a.ink)
}

func (a *artist) cactus() {
	green := hsl(a.r.Uniform(0.25, 0.42), 0.4, a.r.Uniform(0.3, 0.5))
	a.ink = green.lit(0.45)
	for _, s := range []float64{-1, 1} {
		y := a.r.Uniform(-0.2, 0.15)
		a.plain(limb(curve(pt{s * 0.1, y + 0.1}, pt{s * 0.55, y}, pt{s * 0.6, y - 0.5}), 0.26, 0.24), green.lit(0.9))
	}
	a.plain(limb(curve(pt{0, 0.6}, pt{0, 0}, pt{0, -0.8}), 0.5, 0.44), green)
	for i := range 9 {
		y := -0.85 + float64(0.16*float64(i))
		a.line(0.025, rgb(0xfffbe0), pt{-0.12, y}, pt{-0.05, y - 0.06})
		a.line(0.025, rgb(0xfffbe0), pt{0.12, y}, pt{0.05, y - 0.06})
	}
	a.shape(poly{{-0.5, 0.42}, {0.5, 0.42}, {0.36, 1}, {-0.36, 1}}, a.cloth())
}

func (a *artist) car() {
	a.shape(smooth(pt{-0.95, 0.35}, pt{-0.95, -0.02}, pt{-0.6, -0.1}, pt{-0.4, -0.5}, pt{0.35, -0.5}, pt{0.62, -0.08}, pt{0.98, 0.02}, pt{0.98, 0.35}), a.cloth())
	glass := rgb(0xcfe6f2)
	a.plain(poly{{-0.42, -0.12}, {-0.3, -0.4}, {-0.03, -0.4}, {-0.03, -0.12}}, glass)
	a.plain(poly{{0.05, -0.12}, {0.05, -0.4}, {0.3, -0.4}, {0.48, -0.12}}, glass)
	for _, x := range []float64{-0.52, 0.55} {
		a.plain(ellipse(x, 0.38, 0.25, 0.25), rgb(0x2b2b2e))
		a.plain(ellipse(x, 0.38, 0.11, 0.11), rgb(0xbfc3c8))
	}
}

func (a *artist) house() {
	a.plain(box(0.3, -0.85, 0.5, -0.3), a.other)
	wall := a.k.mix(rgb(0xfff3dd), 0.5)
	a.plain(box(-0.75, -0.25, 0.75, 0.85), wall)
	a.shape(poly{{-0.95, -0.2}, {0, -0.95}, {0.95, -0.2}}, a.cloth())
	a.plain(box(-0.15, 0.25, 0.18, 0.85), a.other)
	for _, x := range []float64{-0.5, 0.5} {
		a.plain(box(x-0.16, 0.02, x+0.16, 0.34), rgb(0xcfe6f2))
		a.line(0.03, a.ink, pt{x, 0.02}, pt{x, 0.34})
	}
}

func (a *artist) mug() {
	a.c.stroke(curve(pt{0.5, -0.25}, pt{0.95, -0.2}, pt{0.95, 0.35}, pt{0.5, 0.45}), false, 0.2, a.m, flat(a.ink))
	a.c.stroke(curve(pt{0.5, -0.25}, pt{0.95, -0.2}, pt{0.95, 0.35}, pt{0.5, 0.45}), false, 0.12, a.m, flat(a.k))
	a.shape(smooth(pt{-0.65, -0.6}, pt{0, -0.5}, pt{0.65, -0.6}, pt{0.6, 0.2}, pt{0.55, 0.75}, pt{0, 0.85}, pt{-0.55, 0.75}, pt{-0.6, 0.2}), a.cloth())
	a.plain(ellipse(0, -0.6, 0.64, 0.15), rgb(0x6b4630))
}

func (a *artist) mushroom() {
	a.plain(smooth(pt{-0.2, -0.1}, pt{0.2, -0.1}, pt{0.24, 0.5}, pt{0.36, 0.9}, pt{-0.36, 0.9}, pt{-0.24, 0.5}), rgb(0xf3ead8))
	a.shape(smooth(pt{-0.95, 0}, pt{-0.7, -0.6}, pt{0, -0.9}, pt{0.7, -0.6}, pt{0.95, 0}, pt{0.5, 0.16}, pt{0, 0.1}, pt{-0.5, 0.16}), a.cloth())
}

func (a *artist) vase(kind pattern) {
	a.mark = newMarking(kind, 0.34, a.r)
	w := a.r.Uniform(0.5, 0.8)
	for i := range 3 {
		x := (float64(i) - 1) * 0.3
		a.line(0.06, hsl(0.3, 0.4, 0.35), pt{0, -0.4}, pt{x * 0.6, -0.75}, pt{x, -1})
		a.plain(ellipse(x, -1.02, 0.15, 0.15), hsl(a.r.Float64(), 0.7, 0.6))
	}
	a.shape(smooth(pt{-0.26, -0.55}, pt{0.26, -0.55}, pt{0.24, -0.3}, pt{w, 0.2}, pt{0.4, 0.9}, pt{-0.4, 0.9}, pt{-w, 0.2}, pt{-0.24, -0.3}), a.cloth())
}

func (a *artist) fish(kind pattern) {
	a.mark = newMarking(kind, 0.3, a.r)
	w := a.cloth()
	flap := a.r.Uniform(-0.15, 0.15)
	a.shape(smooth(pt{0.45, 0}, pt{1, -0.5 + flap}, pt{0.85, flap}, pt{1, 0.5 + flap}), w)
	a.plain(smooth(pt{-0.3, -0.4}, pt{0.1, -0.85}, pt{0.4, -0.25}), a.other)
	a.plain(smooth(pt{-0.1, 0.35}, pt{0.2, 0.75}, pt{0.35, 0.25}), a.other)
	a.shape(smooth(pt{-1, 0.02}, pt{-0.6, -0.42}, pt{0, -0.52}, pt{0.6, -0.12}, pt{0.6, 0.12}, pt{0, 0.52}, pt{-0.6, 0.42}), w)
	a.eye(-0.62, -0.1, 0.14, rgb(0xffffff))
	a.line(0.04, a.ink, pt{-0.96, 0.12}, pt{-0.85, 0.17}, pt{-0.74, 0.15})
}

func (a *artist) snail() {
	skin := a.other.mix(rgb(0xe8cfa8), 0.5)
	a.plain(smooth(pt{-1, 0.75}, pt{-0.5, 0.5}, pt{0.5, 0.5}, pt{0.7, -0.1}, pt{0.98, -0.1}, pt{0.95, 0.6}, pt{0.7, 0.8}, pt{0, 0.85}), skin)
	for _, x := range []float64{0.75, 0.95} {
		a.line(0.06, skin, pt{x, -0.05}, pt{x + 0.05, -0.3}, pt{x + 0.1, -0.45})
		a.eye(x+0.1, -0.47, 0.07, rgb(0xffffff))
	}
	a.shape(ellipse(-0.12, 0, 0.68, 0.64), a.cloth())
	var spiral []pt
	for i := range 40 {
		t := float64(i) / 39
		s, c := math.Sincos(t * 5 * math.Pi)
		spiral = append(spiral, pt{-0.12 + float64(0.62*t*c), 0.58 * t * s})
	}
	a.c.stroke(spiral, false, 0.05, a.m, flat(a.ink))
}

func (a *artist) umbrella() {
	a.c.stroke(curve(pt{0, -0.8}, pt{0, 0}, pt{0, 0.7}, pt{0.12, 0.92}, pt{0.28, 0.75}), false, 0.08, a.m, flat(a.ink))
	a.shape(smooth(pt{-1, 0}, pt{-0.75, -0.55}, pt{0, -0.9}, pt{0.75, -0.55}, pt{1, 0}, pt{0.66, -0.1}, pt{0.33, 0}, pt{0, -0.1}, pt{-0.33, 0}, pt{-0.66, -0.1}), a.cloth())
	a.line(0.03, a.ink, pt{0, -0.9}, pt{-0.25, -0.5}, pt{-0.33, 0})
	a.line(0.03, a.ink, pt{0, -0.9}, pt{0.25, -0.5}, pt{0.33, 0})
}
