package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// rows makes the kernels of biases.
func rows(v *isa.Set) {
	rowMap(v, mapSpec{name: "AddBias", doc: "sets y = x + bias, x p[0], y p[1], bias p[2]; see addBiasGo.",
		streams: []int{0, 1}, params: []int{2}, body: func(p *place) {
			x, b := p.ld(0), p.ld(2)
			VADDPS(b, x, x)
			p.st(x, 1)
		}})
	rowSums(v, sumSpec{name: "SumRows", doc: "adds the rows of p[0] to p[1]; see sumRowsGo.",
		streams: []int{0}, params: []int{1}, body: func(b *block) {
			b.sum(isa.Each(b.n, func(r int) reg.VecVirtual { return b.row(0, r) }), 1)
		}})
	// dz = dx, with ReLU only where x > 0; sums += dz
	for _, relu := range []bool{false, true} {
		for _, nonTemporal := range v.NonTemporal() {
			s := sumSpec{name: "SplitSum" + isa.When(relu, "ReLU") + isa.When(nonTemporal, "NonTemporal"),
				streams: []int{0}, outs: []int{2}, params: []int{3}, strided: []int{0}, nonTemporal: nonTemporal, zero: relu,
				doc: "copies the channels x (p[0]) of a wider map to dz (p[2])" + isa.When(relu, ", where the same of p[1] is above 0,") + " and adds them to sums (p[3]); see splitSumGo."}
			if relu {
				s.streams, s.strided = []int{0, 1}, []int{0, 1}
			}
			s.body = func(b *block) {
				g := isa.Each(b.n, func(r int) reg.VecVirtual { return b.row(0, r) })
				for r := range g {
					if relu {
						v.KeepPositive(g[r], b.row(1, r), b.zero)
					}
					b.setRow(g[r], 2, r)
				}
				b.sum(g, 3)
			}
			rowSums(v, s)
		}
	}
}
