package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// norm makes the kernels of batch normalization.
func norm(v *isa.Set) {
	rowSums(v, sumSpec{name: "Stats", doc: "adds d = x - shift to sums and d*d to squares, x p[0], shift p[1], sums p[2], squares p[3]; see statsGo.",
		streams: []int{0}, params: []int{1, 2, 3}, body: func(b *block) {
			// d = x - shift; sum += d; sq += d*d
			shift := b.ld(1)
			d := isa.Each(b.n, func(r int) reg.VecVirtual {
				x := b.row(0, r)
				VSUBPS(shift, x, x)
				return x
			})
			b.sumProducts(d, d, 3)
			b.sum(d, 2)
		}})
	for _, residual := range []bool{false, true} {
		for _, end := range []string{"", "ReLU", "ReLUMask"} {
			scaleShift(v, residual, end)
		}
	}
	rowMap(v, mapSpec{name: "MaskGrad", doc: "sets p[2] = p[0] where the mask p[1] is set, else 0; see maskGradGo.",
		streams: []int{0, 2}, masks: []int{1}, body: func(p *place) {
			g := p.ld(0)
			keepMasked(v, g, p.mask(1))
			p.st(g, 2)
		}})
	for _, mask := range []string{"", "Y", "X", "Mask"} {
		normReduce(v, mask)
	}
	for _, mask := range []string{"", "X", "Mask"} {
		normGrad(v, mask, false)
		if mask != "X" {
			normGrad(v, mask, true)
		}
	}
}

// scaleShift is the forward pass, with a residual added or not, and ending with
// nothing, ReLU, or ReLU that writes its mask.
func scaleShift(v *isa.Set, residual bool, end string) {
	s := mapSpec{name: "ScaleShift" + isa.When(residual, "Add") + end, streams: []int{0, 1}, nonTemporal: []int{1}, params: []int{2, 3}, zero: end != "",
		doc: "sets y = " + isa.When(end != "", "ReLU of ") + "x*scale + shift" + isa.When(residual, " + residual (p[4])") + ", x p[0], y p[1], scale p[2], shift p[3]" + isa.When(end == "ReLUMask", ", and writes the mask p[5]") + "; see scaleShiftGo."}
	if residual {
		s.streams = append(s.streams, 4)
	}
	if end == "ReLUMask" {
		s.masks = []int{5}
	}
	s.body = func(p *place) {
		// y = relu?(x*scale + shift + residual?)
		x, scale, shift := p.ld(0), p.ld(2), p.ld(3)
		VFMADD213PS(shift, scale, x)
		if residual {
			r := p.ld(4)
			VADDPS(r, x, x)
		}
		if end == "ReLUMask" {
			storeMask(v, x, p.zero, p.mask(5))
		}
		if end != "" {
			VMAXPS(x, p.zero, x)
		}
		p.st(x, 1)
	}
	rowMap(v, s)
}

// maskDoc says how a ReLU's mask is found, "" when there is none: from its
// result y, from its input, which is x scaled and shifted, or from a mask of bits.
func maskDoc(mask string) string {
	switch mask {
	case "Y":
		return " where y (p[2]) > 0, else 0"
	case "X":
		return " where x*p[7] + p[8] > 0, else 0"
	case "Mask":
		return " where the mask is set, else 0"
	}
	return ""
}

// normReduce is the first half of the backward pass: the sums of the gradient.
func normReduce(v *isa.Set, mask string) {
	s := sumSpec{name: "BNReduce" + mask, zero: mask == "Y" || mask == "X", streams: []int{0, 1}, params: []int{3, 4, 5},
		doc: "adds g to sumG (p[4]) and g*(x-mean) to sumGX (p[5]), g p[0]" + maskDoc(mask) + ", x p[1], mean p[3]; see bnReduceGo."}
	switch mask {
	case "Y":
		s.streams = append(s.streams, 2)
	case "X":
		s.params = append(s.params, 7, 8)
	case "Mask":
		s.masks = []int{2}
	}
	s.body = func(b *block) {
		// g = dy, 0 where masked; sumG += g; sumGX += g*(x-mean)
		x := isa.Each(b.n, func(r int) reg.VecVirtual { return b.row(1, r) })
		g := isa.Each(b.n, func(r int) reg.VecVirtual { return b.row(0, r) })
		maskRows(v, b, mask, g, x)
		mean := b.ld(3)
		for r := range x {
			VSUBPS(mean, x[r], x[r])
		}
		b.sumProducts(g, x, 5)
		b.sum(g, 4)
	}
	rowSums(v, s)
}

// maskRows sets g to 0 where the mask is: see maskDoc.
func maskRows(v *isa.Set, b *block, mask string, g, x []reg.VecVirtual) {
	switch mask {
	case "Y":
		for r := range g {
			v.KeepPositive(g[r], b.row(2, r), b.zero)
		}
	case "X":
		scale, shift := b.ld(7), b.ld(8)
		for r := range g {
			y := v.Vec()
			VMOVAPS(x[r], y)
			VFMADD213PS(shift, scale, y)
			v.KeepPositive(g[r], y, b.zero)
		}
	case "Mask":
		for r := range g {
			keepMasked(v, g[r], b.mask(2, r))
		}
	}
}

// normGrad is the second half of the backward pass, which with res also writes
// the gradient of the residual.
func normGrad(v *isa.Set, mask string, res bool) {
	const dx, dres = 2, 8
	s := mapSpec{name: "BNGrad" + mask + isa.When(res, "Res"), zero: mask == "X", streams: []int{0, 1, dx}, params: []int{3, 4, 5, 6},
		doc: "sets dx = a*g + (b*(x-mean) + d), g p[0]" + maskDoc(mask) + ", x p[1], dx p[2], mean p[3], a, b and d p[4] to p[6]" + isa.When(mask == "Mask", ", mask p[7]") + isa.When(res, ", and dres = g, p[8]") + "; see bnGradGo."}
	switch mask {
	case "X":
		s.params = append(s.params, 7, 8)
	case "Mask":
		s.masks = []int{7}
	}
	if res {
		// Without a residual the gradient is made in place.
		s.streams = append(s.streams, dres)
		s.nonTemporal = []int{dx}
	}
	s.body = func(p *place) {
		// dx = a*g + (b*(x-mean) + d); dres = g
		x, g := p.ld(1), p.ld(0)
		switch mask {
		case "X":
			y, scale, shift := v.Vec(), p.ld(7), p.ld(8)
			VMOVAPS(x, y)
			VFMADD213PS(shift, scale, y)
			v.KeepPositive(g, y, p.zero)
		case "Mask":
			keepMasked(v, g, p.mask(7))
		}
		if res {
			p.st(g, dres)
		}
		mean, a, bb, d := p.ld(3), p.ld(4), p.ld(5), p.ld(6)
		VSUBPS(mean, x, x)
		VFMADD213PS(d, bb, x)
		VFMADD231PS(g, a, x)
		p.st(x, dx)
	}
	rowMap(v, s)
}
