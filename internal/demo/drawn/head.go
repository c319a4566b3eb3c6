package drawn

import "github.com/whippet-ml/whippet/rng"

// head draws a face about one unit in radius, looking at the viewer or a little
// aside.
func (p *pet) head(c *canvas, m affine, r *rng.Stream) {
	m = m.scaled(p.headWidth, 1)
	if p.ears == pointed || p.ears == round {
		p.ear(c, m, -1, r)
		p.ear(c, m, 1, r)
	}
	if p.dog {
		p.part(c, m, smooth(pt{0, -0.92}, pt{0.62, -0.75}, pt{0.85, -0.15}, pt{0.72, 0.5}, pt{0.36, 0.95}, pt{-0.36, 0.95}, pt{-0.72, 0.5}, pt{-0.85, -0.15}, pt{-0.62, -0.75}), 0, r)
	} else {
		p.part(c, m, smooth(pt{0, -0.8}, pt{0.65, -0.66}, pt{0.98, 0}, pt{0.85, 0.5}, pt{0.4, 0.82}, pt{-0.4, 0.82}, pt{-0.85, 0.5}, pt{-0.98, 0}, pt{-0.65, -0.66}), 0, r)
	}
	if p.ears == folded || p.ears == floppy {
		p.ear(c, m, -1, r)
		p.ear(c, m, 1, r)
	}
	face := m.at(0.16*p.turn, 0)
	if p.dog {
		p.dogFace(c, face)
	} else {
		p.catFace(c, face)
	}
}

// ear draws the left (side -1) or right ear.
func (p *pet) ear(c *canvas, m affine, side float64, r *rng.Stream) {
	m = m.scaled(side*p.earSpread, 1).at(-0.06*p.turn*side, 0)
	inner := rgb(0xd99a92).mix(p.skin.base, 0.3)
	coat := p.coatPaint(c, m, 0, -1.6, -0.3)
	switch p.ears {
	case pointed:
		o := smooth(pt{0.22, -0.72}, pt{0.5, -1.18}, pt{0.82, -1.56}, pt{0.95, -0.95}, pt{0.88, -0.28}, pt{0.55, -0.45})
		c.inked(p.outline(o, r), m, coat, p.ink, inkWidth)
		c.fill(smooth(pt{0.45, -0.75}, pt{0.6, -1.05}, pt{0.77, -1.32}, pt{0.82, -0.9}, pt{0.76, -0.5}), m, flat(inner))
	case round:
		c.inked(p.outline(ellipse(0.66, -0.76, 0.4, 0.4), r), m, coat, p.ink, inkWidth)
		c.fill(ellipse(0.68, -0.78, 0.22, 0.22), m, flat(inner))
	case folded:
		o := smooth(pt{0.25, -0.78}, pt{0.6, -0.95}, pt{0.95, -0.68}, pt{1.0, -0.3}, pt{0.7, -0.32}, pt{0.42, -0.48})
		dark := func(x, y float64) col { return coat(x, y).lit(0.85) }
		c.inked(p.outline(o, r), m, dark, p.ink, inkWidth)
	case floppy:
		sway := float64(0.08 * p.turn * side)
		o := smooth(pt{0.4, -0.82}, pt{0.82, -0.78}, pt{1.16 + sway, -0.1}, pt{1.2 + sway, 0.62}, pt{0.92 + sway, 0.82}, pt{0.7, 0.35}, pt{0.6, -0.3})
		dark := func(x, y float64) col { return coat(x, y).lit(0.84) }
		c.inked(p.outline(o, r), m, dark, p.ink, inkWidth)
	}
}

func (p *pet) muzzleColor() col {
	if p.bib {
		return rgb(0xf7f2ea)
	}
	return p.skin.base.mix(rgb(0xffffff), 0.35)
}

func (p *pet) catFace(c *canvas, m affine) {
	s := p.muzzleSize
	k := p.muzzleColor()
	c.fillAll([]poly{ellipse(-0.2, 0.42, 0.28*s, 0.22*s), ellipse(0.2, 0.42, 0.28*s, 0.22*s), ellipse(0, 0.58, 0.2, 0.16)}, m, flat(k))
	for _, side := range []float64{-1, 1} {
		e := m.at(side*0.42, -0.05).rotated(side * -0.15)
		c.inked(ellipse(0, 0, 0.23, 0.19), e, flat(p.iris), p.ink, inkWidth*1.2)
		c.fill(ellipse(0, 0, 0.075, 0.17), e, flat(rgb(0x14100e)))
		c.fill(ellipse(-0.07, -0.07, 0.05, 0.05), e, flat(rgb(0xffffff)))
		for i := -1; i <= 1; i++ {
			y := 0.42 + float64(0.09*float64(i))
			c.stroke(curve(pt{side * 0.3, y}, pt{side * 0.8, y + float64(0.08*float64(i)) - 0.03}, pt{side * 1.2, y + float64(0.16*float64(i)) + 0.02}), false, 0.022, m, flat(rgb(0xf8f4ee).mix(p.ink, 0.25)))
		}
		c.stroke(curve(pt{0, 0.38}, pt{side * 0.09, 0.52}, pt{side * 0.24, 0.5}), false, inkWidth, m, flat(p.ink))
	}
	nose := rgb(0xd98880).mix(p.ink, 0.2)
	c.inked(smooth(pt{-0.13, 0.24}, pt{0, 0.22}, pt{0.13, 0.24}, pt{0, 0.39}), m, flat(nose), p.ink, inkWidth*0.7)
}

func (p *pet) dogFace(c *canvas, m affine) {
	s := p.muzzleSize
	k := p.muzzleColor()
	if p.tongue {
		c.inked(smooth(pt{-0.14, 0.72}, pt{0.14, 0.72}, pt{0.15, 1.0}, pt{0, 1.12}, pt{-0.15, 1.0}), m, flat(rgb(0xe57f88)), rgb(0x9c4650), inkWidth*0.8)
	}
	c.inked(smooth(pt{0, 0.02}, pt{0.3 * s, 0.2}, pt{0.46 * s, 0.55}, pt{0.26, 0.82}, pt{-0.26, 0.82}, pt{-0.46 * s, 0.55}, pt{-0.3 * s, 0.2}), m, flat(k), k.mix(p.ink, 0.5), inkWidth*0.7)
	for _, side := range []float64{-1, 1} {
		e := m.at(side*0.36, -0.18)
		c.fill(ellipse(0, 0, 0.17, 0.18), e, flat(p.ink))
		c.fill(ellipse(0, 0.01, 0.13, 0.14), e, flat(p.iris))
		c.fill(ellipse(0, 0.01, 0.085, 0.095), e, flat(rgb(0x0e0b0a)))
		c.fill(ellipse(-0.05, -0.06, 0.05, 0.05), e, flat(rgb(0xffffff)))
		c.stroke(curve(pt{0, 0.44}, pt{side * 0.06, 0.6}, pt{side * 0.28, 0.62}), false, inkWidth, m, flat(p.ink))
		c.stroke(curve(pt{side * 0.22, -0.46}, pt{side * 0.36, -0.52}, pt{side * 0.5, -0.44}), false, inkWidth, m, flat(p.ink.mix(p.skin.base, 0.4)))
	}
	c.fill(smooth(pt{-0.2, 0.18}, pt{0, 0.13}, pt{0.2, 0.18}, pt{0.13, 0.36}, pt{0, 0.44}, pt{-0.13, 0.36}), m, flat(rgb(0x231c1b)))
	c.fill(ellipse(-0.06, 0.21, 0.06, 0.03), m, flat(rgb(0x8d8583)))
}
