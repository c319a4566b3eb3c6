package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// optim makes the optimizer's step: pointers p, g, avg, sqr, constants as
// adamConstants has them.
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
}
