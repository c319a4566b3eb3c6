package elementwise

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// This file holds the Go twins of the activations: what happens to one value.

// scalars are the activations, by Activation: the name, the function, and what
// becomes of the gradient g of its result at x.
var scalars = [activations]struct {
	name  string
	value func(x float32) float32
	grad  func(g, x float32) float32
}{
	Identity:    {"identity", func(x float32) float32 { return x }, func(g, _ float32) float32 { return g }},
	ReLU:        {"relu", func(x float32) float32 { return max(x, 0) }, func(g, x float32) float32 { return rowwise.IfPositive(x, g) }},
	ReLU6:       {"relu6", func(x float32) float32 { return min(max(x, 0), 6) }, func(g, x float32) float32 { return rowwise.IfPositive(x, rowwise.IfPositive(6-x, g)) }},
	Sigmoid:     {"sigmoid", func(x float32) float32 { return sigmoidOf(x).value(x) }, func(g, x float32) float32 { return g * sigmoidOf(x).slope() }},
	SiLU:        {"silu", func(x float32) float32 { return x * sigmoidOf(x).value(x) }, siluGrad},
	Hardsigmoid: {"hardsigmoid", hardsigmoid, func(g, x float32) float32 { return ifInside(x, g*sixth) }},
	Hardswish:   {"hardswish", func(x float32) float32 { return x * hardsigmoid(x) }, func(g, x float32) float32 { return g * (hardsigmoid(x) + ifInside(x, float32(x*sixth))) }},
	GELU:        {"gelu", func(x float32) float32 { phi, _ := normal(x); return x * phi }, geluGrad},
	GELUTanh:    {"gelu tanh", geluTanh, geluTanhGrad},
}

// sixth is the slope of hardsigmoid.
const sixth = 1.0 / 6

// ifInside returns v where hardsigmoid is not constant, and 0 elsewhere.
func ifInside(x, v float32) float32 { return rowwise.IfPositive(x+3, rowwise.IfPositive(3-x, v)) }

func hardsigmoid(x float32) float32 { return float32(min(max(x+3, 0), 6) * sixth) }

// logistic is what the sigmoid of x and its derivative are made of: e =
// exp(-|x|) and d = 1/(1+e). Neither overflows, and where the sigmoid is tiny its
// digits count as much as elsewhere.
type logistic struct{ e, d float32 }

func sigmoidOf(x float32) logistic {
	e := expNegative(-absolute(x))
	return logistic{e, 1 / (1 + e)}
}

// value is the sigmoid of x.
func (l logistic) value(x float32) float32 {
	if x < 0 {
		return l.e * l.d
	}
	return l.d
}

// slope is the sigmoid's derivative, an even function.
func (l logistic) slope() float32 { return l.e * l.d * l.d }

func siluGrad(g, x float32) float32 {
	l := sigmoidOf(x)
	return g * (l.value(x) + float32(x*l.slope()))
}

// The distribution function of the standard normal is, at -u for u >= 0,
// exp(-u²/2)*s*q(s) with s = 1/(1 + normalScale*u), where q, of degree 7, was
// fitted by Remez's algorithm; it is exact to 1e-7 of the value for u up to 12.
const (
	normalScale = 0.23

	normal1 = 0.09192634733027871
	normal2 = 0.08889167024380586
	normal3 = 0.1074988877778533
	normal4 = -0.004910523910145453
	normal5 = 0.2608627052330836
	normal6 = -0.24233612035325122
	normal7 = 0.2728642728167024
	normal8 = -0.07479719147519956

	normalDensity = 0.39894228040143267794 // the density at 0, 1/√(2π)
)

// normal is the distribution function of the standard normal at x, and
// exp(-x²/2).
func normal(x float32) (phi, e float32) {
	e = expNegative(x * x * -0.5)
	s := 1 / (1 + float32(normalScale*absolute(x)))
	q := float32(normal8)
	q = float32(q*s) + normal7
	q = float32(q*s) + normal6
	q = float32(q*s) + normal5
	q = float32(q*s) + normal4
	q = float32(q*s) + normal3
	q = float32(q*s) + normal2
	q = float32(q*s) + normal1
	phi = float32(q * s * e)
	if !(x < 0) {
		phi = 1 - phi
	}
	return phi, e
}

func geluGrad(g, x float32) float32 {
	phi, e := normal(x)
	return g * (phi + float32(x*e*normalDensity))
}

// (1 + tanh(v/2))/2 is the sigmoid of v, so that GELUTanh is x*sigmoid(x*(tanh1 +
// tanh3*x²)).
const (
	tanh1     = 1.59576912160573071176 // 2√(2/π)
	tanh3     = tanh1 * 0.044715
	tanhSlope = 3 * tanh3

	// tanhLimit bounds x in the derivative, which is 0 or 1 from there on, but
	// made of a product of 0 and a number that could be infinite.
	tanhLimit = 20
)

func geluTanh(x float32) float32 {
	v := x * (tanh1 + float32(tanh3*(x*x)))
	return x * sigmoidOf(v).value(v)
}

func geluTanhGrad(g, x float32) float32 {
	x = min(max(x, -tanhLimit), tanhLimit)
	v := x * (tanh1 + float32(tanh3*(x*x)))
	l := sigmoidOf(v)
	return g * (l.value(v) + float32(x*l.slope()*(tanh1+float32(tanhSlope*(x*x)))))
}

func absolute(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// activateGo sets y to the activation of x in rows of c values, which are stride
// apart in both. y may be x.
func activateGo(a Activation, x, y []float32, rows, c, stride int) {
	f := scalars[a].value
	for r := range rows {
		yr := y[r*stride:][:c]
		for i, v := range x[r*stride:][:c] {
			yr[i] = f(v)
		}
	}
}

// activateGradGo sets dx to the gradient of x from that of its activation, dy.
func activateGradGo(a Activation, dy, x, dx []float32) {
	f := scalars[a].grad
	for i, v := range x {
		dx[i] = f(dy[i], v)
	}
}
