package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// flat makes the kernels without channels: one row of c = n floats.
func flat(v *isa) {
	v.rowMap(mapSpec{name: "ReLU", streams: []int{0, 1}, zero: true, body: func(p *place) {
		x := p.ld(0)
		VMAXPS(x, p.zero, x) // a NaN in the first operand, x, is the result
		p.st(x, 1)
	}})
	v.rowMap(mapSpec{name: "ReLUGrad", streams: []int{0, 1, 2}, zero: true, body: func(p *place) {
		g, y := p.ld(0), p.ld(1)
		v.keepPositive(g, y, p.zero)
		p.st(g, 2)
	}})
	v.rowMap(mapSpec{name: "Add", streams: []int{0, 1, 2}, body: func(p *place) {
		x, y := p.ld(0), p.ld(1)
		VADDPS(y, x, x)
		p.st(x, 2)
	}})
	v.rowMap(mapSpec{name: "Mul", streams: []int{0, 1, 2}, body: func(p *place) {
		x, y := p.ld(0), p.ld(1)
		VMULPS(y, x, x)
		p.st(x, 2)
	}})
	v.rowMap(mapSpec{name: "AXPY", streams: []int{0, 1}, consts: 1, body: func(p *place) {
		x, y := p.ld(0), p.ld(1)
		VFMADD231PS(x, p.consts[0], y)
		p.st(y, 1)
	}})
	v.rowMap(mapSpec{name: "Scale", streams: []int{0}, consts: 1, body: func(p *place) {
		x := p.ld(0)
		VMULPS(p.consts[0], x, x)
		p.st(x, 0)
	}})
	v.rowMap(mapSpec{name: "ScaleAdd", streams: []int{0, 1}, consts: 2, body: func(p *place) {
		// y = a*y + b*x
		y, x := p.ld(0), p.ld(1)
		VMULPS(p.consts[0], y, y)
		VFMADD231PS(x, p.consts[1], y)
		p.st(y, 0)
	}})
	v.sumSquares()
}

// sumSquares adds the squares of c floats, a multiple of 4*(lanes/2), in
// float64: p[0] the floats, p[1] one vector of float64 sums, overwritten.
func (v *isa) sumSquares() {
	v.function("SumSquares", "rowArgs")
	args, x, out, n := GP64(), GP64(), GP64(), GP64()
	Load(Param("p"), args)
	MOVQ(Mem{Base: args}, x)
	MOVQ(Mem{Base: args, Disp: 8}, out)
	MOVQ(Mem{Base: args, Disp: argC}, n)
	var acc [4]reg.VecVirtual
	for i := range acc {
		acc[i] = v.zero()
	}
	Label("loop")
	for i := range acc {
		d := v.vec()
		VCVTPS2PD(Mem{Base: x, Disp: i * v.bytes / 2}, d)
		VFMADD231PD(d, d, acc[i])
	}
	ADDQ(I32(4*v.bytes/2), x)
	SUBQ(Imm(uint64(4*v.lanes()/2)), n)
	JNZ(LabelRef("loop"))
	VADDPD(acc[1], acc[0], acc[0])
	VADDPD(acc[3], acc[2], acc[2])
	VADDPD(acc[2], acc[0], acc[0])
	VMOVUPD(acc[0], Mem{Base: out})
	VZEROUPPER()
	RET()
}

// rows makes the kernels of biases.
func rows(v *isa) {
	v.rowMap(mapSpec{name: "AddBias", streams: []int{0, 1}, params: []int{2}, body: func(p *place) {
		x, b := p.ld(0), p.ld(2)
		VADDPS(b, x, x)
		p.st(x, 1)
	}})
	v.rowSums(sumSpec{name: "SumRows", streams: []int{0}, params: []int{1}, body: func(b *block) {
		b.sum(each(b.n, func(r int) reg.VecVirtual { return b.row(0, r) }), 1)
	}})
	// dz = dx, with ReLU only where x > 0; sums += dz
	for _, relu := range []bool{false, true} {
		for _, past := range []bool{false, true} {
			s := sumSpec{name: "SplitSum" + when(relu, "ReLU") + when(past, "Past"),
				streams: []int{0}, outs: []int{2}, params: []int{3}, strided: []int{0}, past: past, zero: relu}
			if relu {
				s.streams, s.strided = []int{0, 1}, []int{0, 1}
			}
			s.body = func(b *block) {
				g := each(b.n, func(r int) reg.VecVirtual { return b.row(0, r) })
				for r := range g {
					if relu {
						v.keepPositive(g[r], b.row(1, r), b.zero)
					}
					b.setRow(g[r], 2, r)
				}
				b.sum(g, 3)
			}
			v.rowSums(s)
		}
	}
}

// norm makes the kernels of batch normalization.
func norm(v *isa) {
	v.rowSums(sumSpec{name: "Stats", streams: []int{0}, params: []int{1, 2, 3}, body: func(b *block) {
		// d = x - shift; sum += d; sq += d*d
		shift := b.ld(1)
		d := each(b.n, func(r int) reg.VecVirtual {
			x := b.row(0, r)
			VSUBPS(shift, x, x)
			return x
		})
		b.sumProducts(d, d, 3)
		b.sum(d, 2)
	}})
	for _, residual := range []bool{false, true} {
		for _, end := range []string{"", "ReLU", "ReLUSigns"} {
			s := mapSpec{name: "ScaleShift" + when(residual, "Add") + end, streams: []int{0, 1}, past: []int{1}, params: []int{2, 3}, zero: end != ""}
			if residual {
				s.streams = append(s.streams, 4)
			}
			if end == "ReLUSigns" {
				s.signs = []int{5}
			}
			s.body = func(p *place) {
				// y = relu?(x*scale + shift + residual?)
				x, scale, shift := p.ld(0), p.ld(2), p.ld(3)
				VFMADD213PS(shift, scale, x)
				if residual {
					r := p.ld(4)
					VADDPS(r, x, x)
				}
				if end == "ReLUSigns" {
					v.storeSigns(x, p.zero, p.signs(5))
				}
				if end != "" {
					VMAXPS(x, p.zero, x)
				}
				p.st(x, 1)
			}
			v.rowMap(s)
		}
	}
	v.rowMap(mapSpec{name: "SignsGrad", streams: []int{0, 2}, signs: []int{1}, body: func(p *place) {
		g := p.ld(0)
		v.keepSigns(g, p.signs(1))
		p.st(g, 2)
	}})
	// How the ReLU's mask is found: from y, from x by scale and shift, from signs.
	for _, mask := range []string{"", "Y", "X", "Signs"} {
		s := sumSpec{name: "BNReduce" + mask, zero: mask == "Y" || mask == "X", streams: []int{0, 1}, params: []int{3, 4, 5}}
		switch mask {
		case "Y":
			s.streams = append(s.streams, 2)
		case "X":
			s.params = append(s.params, 7, 8)
		case "Signs":
			s.signs = []int{2}
		}
		s.body = func(b *block) {
			// g = dy, 0 where masked; sumG += g; sumGX += g*(x-mean)
			x := each(b.n, func(r int) reg.VecVirtual { return b.row(1, r) })
			g := each(b.n, func(r int) reg.VecVirtual { return b.row(0, r) })
			switch mask {
			case "Y":
				for r := range g {
					v.keepPositive(g[r], b.row(2, r), b.zero)
				}
			case "X":
				scale, shift := b.ld(7), b.ld(8)
				for r := range g {
					y := v.vec()
					VMOVAPS(x[r], y)
					VFMADD213PS(shift, scale, y)
					v.keepPositive(g[r], y, b.zero)
				}
			case "Signs":
				for r := range g {
					v.keepSigns(g[r], b.signs(2, r))
				}
			}
			mean := b.ld(3)
			for r := range x {
				VSUBPS(mean, x[r], x[r])
			}
			b.sumProducts(g, x, 5)
			b.sum(g, 4)
		}
		v.rowSums(s)
	}
	for _, mask := range []string{"", "X", "Signs"} {
		for _, res := range []bool{false, true} {
			if mask == "X" && res {
				continue
			}
			const dx, dres = 2, 8
			s := mapSpec{name: "BNGrad" + mask + when(res, "Res"), zero: mask == "X", streams: []int{0, 1, dx}, params: []int{3, 4, 5, 6}}
			switch mask {
			case "X":
				s.params = append(s.params, 7, 8)
			case "Signs":
				s.signs = []int{7}
			}
			if res {
				// Without a residual the gradient is made in place.
				s.streams = append(s.streams, dres)
				s.past = []int{dx}
			}
			s.body = func(p *place) {
				// dx = a*g + (b*(x-mean) + d); dres = g
				x, g := p.ld(1), p.ld(0)
				switch mask {
				case "X":
					y, scale, shift := v.vec(), p.ld(7), p.ld(8)
					VMOVAPS(x, y)
					VFMADD213PS(shift, scale, y)
					v.keepPositive(g, y, p.zero)
				case "Signs":
					v.keepSigns(g, p.signs(7))
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
			v.rowMap(s)
		}
	}
}

// optim makes the optimizer's step: pointers p, g, avg, sqr, constants as
// adamConstants has them.
func optim(v *isa) {
	v.rowMap(mapSpec{name: "Adam", streams: []int{0, 1, 2, 3}, consts: 8, body: func(p *place) {
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

func when(on bool, s string) string {
	if on {
		return s
	}
	return ""
}

func each(n int, f func(r int) reg.VecVirtual) []reg.VecVirtual {
	var s []reg.VecVirtual
	for r := range n {
		s = append(s, f(r))
	}
	return s
}
