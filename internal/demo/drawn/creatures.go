package drawn

import "math"

// The animals of the pretraining task: faces, and for some a body below, in
// the manner of the breeds but with other ears, noses and outlines.

func (a *artist) eye(x, y, radius float64, white col) {
	a.plain(ellipse(x, y, radius, radius), white)
	a.c.fill(ellipse(x, y, radius*0.55, radius*0.6), a.m, flat(rgb(0x0e0b0a)))
	a.c.fill(ellipse(x-float64(radius*0.25), y-float64(radius*0.3), radius*0.22, radius*0.22), a.m, flat(rgb(0xffffff)))
}

// fur is an outline with tufts on those animals that have them.
func (a *artist) fur(p poly) poly {
	if a.fuzzy {
		return furry(p, a.r, 0.11, 0.15)
	}
	return p
}

// body draws shoulders below the face in half of the pictures.
func (a *artist) body(w paint) {
	if a.r.Bool(0.6) {
		a.shape(a.fur(smooth(pt{-0.35, 0.35}, pt{0.35, 0.35}, pt{0.7, 0.9}, pt{0.75, 1.5}, pt{-0.75, 1.5}, pt{-0.7, 0.9})), w)
	}
}

func (a *artist) both(f func(side float64)) {
	f(-1)
	f(1)
}

func (a *artist) mouthUnder(x, y float64) {
	a.line(0.04, a.ink, pt{x - 0.2, y + 0.08}, pt{x - 0.1, y + 0.16}, pt{x, y}, pt{x + 0.1, y + 0.16}, pt{x + 0.2, y + 0.08})
}

func (a *artist) bear() {
	w := a.cloth()
	a.body(w)
	a.both(func(s float64) {
		a.shape(a.fur(ellipse(s*0.6, -0.62, 0.3, 0.3)), w)
		a.plain(ellipse(s*0.6, -0.6, 0.15, 0.15), a.other)
	})
	a.shape(a.fur(ellipse(0, 0, 0.85, 0.78)), w)
	a.plain(ellipse(0, 0.3, 0.4, 0.32), a.k.mix(rgb(0xffffff), 0.5))
	a.plain(ellipse(0, 0.16, 0.15, 0.1), rgb(0x231c1b))
	a.mouthUnder(0, 0.3)
	a.both(func(s float64) { a.eye(s*0.34, -0.15, 0.09, rgb(0x2a1c12)) })
}

func (a *artist) fox() {
	w := a.cloth()
	a.body(w)
	a.both(func(s float64) {
		a.shape(a.fur(poly{{s * 0.2, -0.5}, {s * 0.72, -1.15}, {s * 0.85, -0.2}}), w)
		a.plain(poly{{s * 0.45, -0.55}, {s * 0.68, -0.9}, {s * 0.74, -0.4}}, a.ink)
	})
	a.shape(a.fur(smooth(pt{0, -0.6}, pt{0.7, -0.4}, pt{1.0, 0.15}, pt{0.5, 0.45}, pt{0.12, 0.9}, pt{-0.12, 0.9}, pt{-0.5, 0.45}, pt{-1.0, 0.15}, pt{-0.7, -0.4})), w)
	a.both(func(s float64) {
		a.c.fill(smooth(pt{s * 0.1, 0.35}, pt{s * 0.55, 0.1}, pt{s * 0.85, 0.18}, pt{s * 0.45, 0.42}, pt{s * 0.1, 0.8}), a.m, flat(rgb(0xfaf5ec)))
		a.eye(s*0.34, -0.05, 0.1, rgb(0xd79a2b))
	})
	a.plain(ellipse(0, 0.82, 0.13, 0.1), rgb(0x231c1b))
}

func (a *artist) frog() {
	w := a.cloth()
	a.shape(smooth(pt{-0.7, 0.4}, pt{0.7, 0.4}, pt{0.95, 1}, pt{-0.95, 1}), w)
	a.both(func(s float64) { a.shape(ellipse(s*0.5, -0.5, 0.32, 0.32), w) })
	a.shape(ellipse(0, 0.05, 0.95, 0.62), w)
	a.both(func(s float64) {
		a.eye(s*0.5, -0.52, 0.22, rgb(0xf4e9a8))
		a.c.fill(ellipse(s*0.1, 0, 0.04, 0.03), a.m, flat(a.ink))
	})
	a.line(0.05, a.ink, pt{-0.7, 0.12}, pt{-0.35, 0.32}, pt{0, 0.38}, pt{0.35, 0.32}, pt{0.7, 0.12})
}

func (a *artist) mouse() {
	w := a.cloth()
	a.body(w)
	a.both(func(s float64) {
		a.shape(a.fur(ellipse(s*0.72, -0.55, 0.48, 0.48)), w)
		a.plain(ellipse(s*0.72, -0.53, 0.32, 0.32), rgb(0xe8a9a4))
	})
	a.shape(a.fur(smooth(pt{0, -0.6}, pt{0.6, -0.35}, pt{0.6, 0.25}, pt{0.15, 0.8}, pt{-0.15, 0.8}, pt{-0.6, 0.25}, pt{-0.6, -0.35})), w)
	a.plain(ellipse(0, 0.74, 0.13, 0.11), rgb(0xd97f86))
	a.both(func(s float64) {
		a.eye(s*0.26, 0.02, 0.11, rgb(0x1d1614))
		a.line(0.02, a.ink, pt{s * 0.15, 0.6}, pt{s * 0.5, 0.55}, pt{s * 0.85, 0.6})
		a.line(0.02, a.ink, pt{s * 0.15, 0.66}, pt{s * 0.5, 0.7}, pt{s * 0.8, 0.82})
	})
}

func (a *artist) owl() {
	w := a.cloth()
	a.both(func(s float64) { a.shape(poly{{s * 0.2, -0.7}, {s * 0.65, -1.1}, {s * 0.65, -0.45}}, w) })
	a.shape(a.fur(smooth(pt{0, -0.85}, pt{0.65, -0.65}, pt{0.7, 0.2}, pt{0.45, 0.95}, pt{-0.45, 0.95}, pt{-0.7, 0.2}, pt{-0.65, -0.65})), w)
	a.both(func(s float64) {
		a.shape(smooth(pt{s * 0.6, -0.1}, pt{s * 0.85, 0.3}, pt{s * 0.5, 0.85}), w)
		a.plain(ellipse(s*0.3, -0.35, 0.29, 0.29), rgb(0xf6efdd))
		a.eye(s*0.3, -0.35, 0.18, rgb(0xf0b429))
	})
	a.plain(poly{{-0.11, -0.2}, {0.11, -0.2}, {0, 0.08}}, rgb(0xe59a2f))
}

func (a *artist) pig() {
	w := a.cloth()
	a.body(w)
	a.both(func(s float64) {
		a.shape(smooth(pt{s * 0.3, -0.6}, pt{s * 0.8, -0.95}, pt{s * 0.9, -0.45}, pt{s * 0.6, -0.35}), w)
	})
	a.shape(ellipse(0, 0, 0.85, 0.78), w)
	a.plain(ellipse(0, 0.25, 0.36, 0.26), a.k.mix(rgb(0xf09aa0), 0.5))
	a.both(func(s float64) {
		a.c.fill(ellipse(s*0.13, 0.25, 0.06, 0.1), a.m, flat(a.ink))
		a.eye(s*0.38, -0.18, 0.1, rgb(0xffffff))
	})
	a.line(0.04, a.ink, pt{-0.25, 0.56}, pt{0, 0.64}, pt{0.25, 0.56})
}

func (a *artist) rabbit() {
	w := a.cloth()
	a.body(w)
	droop := a.r.Uniform(-0.15, 0.25)
	a.both(func(s float64) {
		o := limb(curve(pt{s * 0.3, -0.35}, pt{s * 0.38, -0.85}, pt{s * (0.4 + droop), -1.4 + math.Abs(droop)}), 0.42, 0.3)
		a.shape(a.fur(o), w)
		a.c.fill(limb(curve(pt{s * 0.33, -0.55}, pt{s * 0.38, -0.9}, pt{s * (0.4 + float64(droop*0.9)), -1.32 + math.Abs(droop)}), 0.2, 0.14), a.m, flat(rgb(0xe8a9a4)))
	})
	a.shape(a.fur(ellipse(0, 0.05, 0.68, 0.66)), w)
	a.both(func(s float64) {
		a.c.fill(ellipse(s*0.16, 0.32, 0.22, 0.18), a.m, flat(a.k.mix(rgb(0xffffff), 0.55)))
		a.eye(s*0.3, -0.05, 0.12, rgb(0x3a2316))
	})
	a.plain(poly{{-0.09, 0.16}, {0.09, 0.16}, {0, 0.27}}, rgb(0xd97f86))
	a.plain(box(-0.08, 0.42, 0.08, 0.58), rgb(0xffffff))
	a.mouthUnder(0, 0.28)
}
