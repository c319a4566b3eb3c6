package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// activation describes the kernels of an activation and of its gradient.
type activation struct {
	name   string
	floats []float32
	value  func(p *place, x reg.VecVirtual) reg.VecVirtual    // of x, which may be overwritten
	grad   func(p *place, g, x reg.VecVirtual) reg.VecVirtual // of x from g, that of the result; both may be overwritten
}

// activations makes the kernels of all activations, in place or not.
func activations(room *isa.Source, v *isa.Set) {
	k := newNumbers(room)
	for _, a := range []activation{
		{"ReLU", nil, rectified, func(p *place, g, x reg.VecVirtual) reg.VecVirtual {
			v.KeepPositive(g, x, p.zero)
			return g
		}},
		{"ReLU6", []float32{6}, rectified6, func(p *place, g, x reg.VecVirtual) reg.VecVirtual {
			v.KeepPositive(g, x, p.zero)
			v.KeepPositive(g, v.Sub(p.floats.register(6), x), p.zero)
			return g
		}},
		{"Sigmoid", k.logistic(), k.sigmoid, func(p *place, g, x reg.VecVirtual) reg.VecVirtual {
			e, d := k.logisticOf(p, x)
			return v.Mul(g, slope(v, e, d))
		}},
		{"SiLU", k.logistic(), func(p *place, x reg.VecVirtual) reg.VecVirtual {
			return v.Mul(k.sigmoid(p, x), x)
		}, k.siluGrad},
		{"Hardsigmoid", k.hard(), k.hardsigmoid, func(p *place, g, x reg.VecVirtual) reg.VecVirtual {
			return k.keepInside(p, v.Mul(g, p.floats.operand(k.sixth)), x)
		}},
		{"Hardswish", k.hard(), func(p *place, x reg.VecVirtual) reg.VecVirtual {
			return v.Mul(k.hardsigmoid(p, x), x)
		}, func(p *place, g, x reg.VecVirtual) reg.VecVirtual {
			inside := k.keepInside(p, v.Mul(x, p.floats.operand(k.sixth)), x)
			return v.Mul(g, v.Add(k.hardsigmoid(p, x), inside))
		}},
		{"GELU", k.gelu(), func(p *place, x reg.VecVirtual) reg.VecVirtual {
			phi, _ := k.normalAt(p, x)
			return v.Mul(phi, x)
		}, func(p *place, g, x reg.VecVirtual) reg.VecVirtual {
			phi, e := k.normalAt(p, x)
			return v.Mul(g, isa.FMA(phi, v.Mul(x, e), p.floats.operand(k.normalDensity)))
		}},
		{"GELUTanh", append(k.logistic(), k.tanh1, k.tanh3, k.tanhSlope, k.tanhLimit, -k.tanhLimit), func(p *place, x reg.VecVirtual) reg.VecVirtual {
			return v.Mul(k.sigmoid(p, k.cubic(p, x)), x)
		}, k.geluTanhGrad},
	} {
		rowMap(v, mapSpec{name: a.name, doc: "sets y to the activation of x, x p[0], y p[1]; see scalars.",
			streams: []int{0, 1}, strided: []int{0, 1}, zero: true, floats: a.floats, long: len(a.floats) > 3, body: func(p *place) {
				p.st(a.value(p, p.ld(0)), 1)
			}})
		rowMap(v, mapSpec{name: a.name + "Grad", doc: "sets dx to the gradient of x from that of its activation, dy p[0], x p[1], dx p[2]; see scalars.",
			streams: []int{0, 1, 2}, zero: true, floats: a.floats, long: len(a.floats) > 3, body: func(p *place) {
				g, x := p.ld(0), p.ld(1)
				p.st(a.grad(p, g, x), 2)
			}})
	}
}

// rectified is max(0, x): a NaN in the first operand, x, is the result.
func rectified(p *place, x reg.VecVirtual) reg.VecVirtual {
	VMAXPS(x, p.zero, x)
	return x
}

// rectified6 is min(rectified(x), 6), in which a NaN stays one too.
func rectified6(p *place, x reg.VecVirtual) reg.VecVirtual {
	VMAXPS(x, p.zero, x)
	VMINPS(x, p.floats.register(6), x)
	return x
}

// slope is the derivative of the sigmoid.
func slope(v *isa.Set, e, d reg.VecVirtual) reg.VecVirtual { return v.Mul(v.Mul(e, d), d) }

// where returns a where x is below 0, and b elsewhere.
func where(p *place, x, a, b reg.VecVirtual) reg.VecVirtual {
	r := p.v.Vec()
	if p.v.Wide {
		k := K()
		VCMPPS(isa.LessSignaling, p.zero, x, k)
		VMOVAPS(b, r)
		VMOVAPS(a, k, r)
	} else {
		VBLENDVPS(x, a, b, r) // by the signs of x
	}
	return r
}

// minusAbsolute returns -|x|.
func minusAbsolute(p *place, x reg.VecVirtual) reg.VecVirtual {
	sign := float32(math.Copysign(0, -1))
	r := p.v.Vec()
	if p.v.Wide {
		VPORD(p.floats.operand(sign), x, r)
	} else {
		VORPS(p.floats.operand(sign), x, r)
	}
	return r
}

// reciprocal returns 1/x.
func reciprocal(p *place, x reg.VecVirtual) reg.VecVirtual {
	r := p.v.Vec()
	VDIVPS(x, p.floats.register(1), r)
	return r
}

// horner returns c[0]*x^n + c[1]*x^(n-1) + … for the n+1 coefficients c.
func horner(p *place, x reg.VecVirtual, c ...float32) reg.VecVirtual {
	q := p.floats.fresh(c[0])
	for _, a := range c[1:] {
		VFMADD213PS(p.floats.operand(a), x, q)
	}
	return q
}

// numbers are the constants of the Go twins.
type numbers struct {
	expLowest, expShift, log2E, ln2High, ln2Low float32
	exp                                         []float32 // from the highest power down, all

	sixth float32

	normal                     []float32 // likewise
	normalScale, normalDensity float32

	tanh1, tanh3, tanhSlope, tanhLimit float32
}

func newNumbers(room *isa.Source) *numbers {
	all := func(names ...string) (s []float32) {
		for _, n := range names {
			s = append(s, room.Float(n))
		}
		return s
	}
	return &numbers{
		expLowest: room.Float("expLowest"), expShift: room.Float("expShift"), log2E: room.Float("log2E"), ln2High: room.Float("ln2High"), ln2Low: room.Float("ln2Low"),
		exp:         append(all("exp6", "exp5", "exp4", "exp3", "exp2"), 1, 1),
		sixth:       room.Float("sixth"),
		normal:      all("normal8", "normal7", "normal6", "normal5", "normal4", "normal3", "normal2", "normal1"),
		normalScale: room.Float("normalScale"), normalDensity: room.Float("normalDensity"),
		tanh1: room.Float("tanh1"), tanh3: room.Float("tanh3"), tanhSlope: room.Float("tanhSlope"), tanhLimit: room.Float("tanhLimit"),
	}
}

// logistic lists the numbers of the sigmoid.
func (k *numbers) logistic() []float32 {
	s := []float32{k.expLowest, k.expShift, k.log2E, k.ln2High, k.ln2Low, float32(math.Copysign(0, -1))}
	return append(s, k.exp[:len(k.exp)-1]...) // 1 occurs twice
}

// gelu lists those of GELU.
func (k *numbers) gelu() []float32 {
	return append(append(k.logistic(), -0.5, k.normalScale, k.normalDensity), k.normal...)
}

// hard lists those of hardsigmoid.
func (k *numbers) hard() []float32 { return []float32{3, 6, k.sixth} }

// expNegative is exp(t) for t <= 0, and overwrites t; see the twin expNegative.
func (k *numbers) expNegative(p *place, t reg.VecVirtual) reg.VecVirtual {
	f := p.floats
	VMAXPS(t, f.register(k.expLowest), t) // a NaN stays NaN
	z := isa.FMA(f.fresh(k.expShift), t, f.operand(k.log2E))
	n := p.v.Sub(z, f.operand(k.expShift))
	isa.FNMA(t, n, f.operand(k.ln2High))
	isa.FNMA(t, n, f.operand(k.ln2Low))
	q := horner(p, t, k.exp...)
	VPSLLD(Imm(23), z, z)
	VMULPS(z, q, q)
	return q
}

// logisticOf returns exp(-|x|) and 1/(1+exp(-|x|)).
func (k *numbers) logisticOf(p *place, x reg.VecVirtual) (e, d reg.VecVirtual) {
	e = k.expNegative(p, minusAbsolute(p, x))
	return e, reciprocal(p, p.v.Add(e, p.floats.operand(1)))
}

// sigmoid is 1/(1+exp(-x)).
func (k *numbers) sigmoid(p *place, x reg.VecVirtual) reg.VecVirtual {
	e, d := k.logisticOf(p, x)
	return where(p, x, p.v.Mul(e, d), d)
}

func (k *numbers) siluGrad(p *place, g, x reg.VecVirtual) reg.VecVirtual {
	e, d := k.logisticOf(p, x)
	s := slope(p.v, e, d)
	y := where(p, x, p.v.Mul(e, d), d)
	return p.v.Mul(g, isa.FMA(y, x, s))
}

// hardsigmoid is min(max(x+3, 0), 6)/6.
func (k *numbers) hardsigmoid(p *place, x reg.VecVirtual) reg.VecVirtual {
	y := rectified6(p, p.v.Add(x, p.floats.operand(3)))
	return p.v.Mul(y, p.floats.operand(k.sixth))
}

// keepInside sets g to 0 where hardsigmoid is constant.
func (k *numbers) keepInside(p *place, g, x reg.VecVirtual) reg.VecVirtual {
	p.v.KeepPositive(g, p.v.Add(x, p.floats.operand(3)), p.zero)
	p.v.KeepPositive(g, p.v.Sub(p.floats.register(3), x), p.zero)
	return g
}

// normalAt returns the distribution function of the standard normal at x, and
// exp(-x²/2); see the twin normal.
func (k *numbers) normalAt(p *place, x reg.VecVirtual) (phi, e reg.VecVirtual) {
	v, f := p.v, p.floats
	e = k.expNegative(p, v.Mul(v.Mul(x, x), f.operand(-0.5)))
	s := reciprocal(p, isa.FNMA(f.fresh(1), minusAbsolute(p, x), f.operand(k.normalScale)))
	q := v.Mul(v.Mul(horner(p, s, k.normal...), s), e)
	return where(p, x, q, v.Sub(f.register(1), q)), e
}

// cubic is x*(tanh1 + tanh3*x²), of which GELUTanh takes the sigmoid.
func (k *numbers) cubic(p *place, x reg.VecVirtual) reg.VecVirtual {
	f := p.floats
	return p.v.Mul(isa.FMA(f.fresh(k.tanh1), p.v.Mul(x, x), f.operand(k.tanh3)), x)
}

func (k *numbers) geluTanhGrad(p *place, g, x reg.VecVirtual) reg.VecVirtual {
	v, f := p.v, p.floats
	VMAXPS(x, f.register(-k.tanhLimit), x)
	VMINPS(x, f.register(k.tanhLimit), x)
	u := k.cubic(p, x)
	e, d := k.logisticOf(p, u)
	s := v.Mul(slope(v, e, d), isa.FMA(f.fresh(k.tanh1), v.Mul(x, x), f.operand(k.tanhSlope)))
	y := where(p, u, v.Mul(e, d), d)
	return v.Mul(g, isa.FMA(y, x, s))
}
