package nn

import (
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// Activation is a function that is applied to every value of an array of any
// shape. It has no parameters.
type Activation op.Activation

// Build appends the function.
func (a Activation) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.Activation(a), x)
}

// ReLU is torch's ReLU: max(x, 0).
func ReLU() Activation { return Activation(op.ReLU) }

// ReLU6 is torch's ReLU6: min(max(x, 0), 6).
func ReLU6() Activation { return Activation(op.ReLU6) }

// Sigmoid is torch's Sigmoid: 1/(1 + exp(-x)).
func Sigmoid() Activation { return Activation(op.Sigmoid) }

// SiLU is torch's SiLU, also known as swish: x*sigmoid(x).
func SiLU() Activation { return Activation(op.SiLU) }

// Hardsigmoid is torch's Hardsigmoid: min(max(x+3, 0), 6)/6.
func Hardsigmoid() Activation { return Activation(op.Hardsigmoid) }

// Hardswish is torch's Hardswish: x*hardsigmoid(x).
func Hardswish() Activation { return Activation(op.Hardswish) }

// GELU is torch's GELU: x*Φ(x), Φ being the distribution function of the standard
// normal.
func GELU() Activation { return Activation(op.GELU) }

// GELUTanh is torch's GELU(approximate='tanh'): x*(1 + tanh(√(2/π)*(x +
// 0.044715*x³)))/2, which is close to GELU.
func GELUTanh() Activation { return Activation(op.GELUTanh) }
