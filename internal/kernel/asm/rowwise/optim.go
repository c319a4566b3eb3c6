package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// optim makes the optimizers' steps. Adam's pointers are p, g, avg, sqr, its
// constants as adamConstants has them; SGD is made of ScaleAdd; Lerp averages weights.
func optim(v *isa.Set) {
	rowMap(v, mapSpec{name: "Adam", doc: "makes a step of AdamW: parameters p[0], gradient p[1], its averages p[2] and p[3], constants k; see adamGo.",
		streams: []int{0, 1, 2, 3}, consts: 8, body: func(p *place) {
			decay, mom, damp, sqrMom, sqrInv, debias, eps, step := p.consts[0], p.consts[1], p.consts[2], p.consts[3], p.consts[4], p.consts[5], p.consts[6], p.consts[7]
			g, m, s := p.ld(1), p.ld(2), p.ld(3)
			// m = mom*m + damp*g; s = sqrMom*s + sqrInv*(g*g)
			VMULPS(mom, m, m)
			VFMADD231PS(g, damp, m)
			p.st(m, 2)
			VMULPS(g, g, g)
			VMULPS(sqrMom, s, s)
			VFMADD231PS(g, sqrInv, s)
			p.st(s, 3)
			// p = p*decay + step*(m/(sqrt(s*debias)+eps))
			VMULPS(debias, s, s)
			VSQRTPS(s, s)
			VADDPS(eps, s, s)
			VDIVPS(s, m, m)
			w := p.ld(0)
			VMULPS(decay, w, w)
			VFMADD231PS(m, step, w)
			p.st(w, 0)
		}})
	rowMap(v, mapSpec{name: "ScaleAdd", doc: "sets p[0] = k[0]*p[0] + k[1]*p[1]; see scaleAddGo.",
		streams: []int{0, 1}, consts: 2, body: func(p *place) {
			// y = a*y + b*x
			y, x := p.ld(0), p.ld(1)
			VMULPS(p.consts[0], y, y)
			VFMADD231PS(x, p.consts[1], y)
			p.st(y, 0)
		}})
	rowMap(v, mapSpec{name: "Lerp", doc: "adds k[0]*(p[1]-p[0]) to p[0]; see lerpGo.",
		streams: []int{0, 1}, consts: 1, body: func(p *place) {
			// y = y + w*(x-y)
			y, x := p.ld(0), p.ld(1)
			VSUBPS(y, x, x)
			VFMADD231PS(x, p.consts[0], y)
			p.st(y, 0)
		}})
}
