package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// flat makes the kernels without channels: one row of c = n floats.
func flat(v *isa.Set) {
	rowMap(v, mapSpec{name: "Add", doc: "sets p[2] = p[0] + p[1]; see addGo.",
		streams: []int{0, 1, 2}, body: func(p *place) {
			x, y := p.ld(0), p.ld(1)
			VADDPS(y, x, x)
			p.st(x, 2)
		}})
	rowMap(v, mapSpec{name: "Mul", doc: "sets p[2] = p[0] * p[1]; see mulGo.",
		streams: []int{0, 1, 2}, body: func(p *place) {
			x, y := p.ld(0), p.ld(1)
			VMULPS(y, x, x)
			p.st(x, 2)
		}})
	rowMap(v, mapSpec{name: "AXPY", doc: "adds k[0]*p[0] to p[1]; see axpyGo.",
		streams: []int{0, 1}, consts: 1, body: func(p *place) {
			x, y := p.ld(0), p.ld(1)
			VFMADD231PS(x, p.consts[0], y)
			p.st(y, 1)
		}})
}
