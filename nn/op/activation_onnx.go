package op

import (
	"math"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/weights"
)

// export adds the operators that compute a of x, in the operator set that models
// declare, and returns the last, which is called name; for Identity, x.
func (a Activation) export(e *graph.Exporter, name string, x onnx.Value) onnx.Value {
	scalar := func(what string, v float64) onnx.Value {
		return e.Initializer(&weights.Array{Name: name + "_" + what, Shape: []int{}, F32: []float32{float32(v)}})
	}
	switch a {
	case ReLU:
		return e.Relu(name, x)
	case ReLU6:
		return e.Clip(name, x, scalar("low", 0), scalar("high", 6))
	case Sigmoid:
		return e.Sigmoid(name, x)
	case SiLU:
		return e.Mul(name, x, e.Sigmoid(name+"_sigmoid", x))
	case Hardsigmoid:
		return e.HardSigmoid(name, x, 1.0/6, 0.5)
	case Hardswish:
		return e.Mul(name, x, e.HardSigmoid(name+"_hardsigmoid", x, 1.0/6, 0.5))
	case GELU:
		// x/2*(1 + erf(x/√2))
		erf := e.Erf(name+"_erf", e.Div(name+"_scaled", x, scalar("root", math.Sqrt2)))
		return e.Mul(name, e.Mul(name+"_halves", x, scalar("half", 0.5)), e.Add(name+"_sum", erf, scalar("one", 1)))
	case GELUTanh:
		// x*sigmoid(x*(c + c*0.044715*x²)), c being 2√(2/π)
		c := 2 * math.Sqrt(2/math.Pi)
		cubic := e.Mul(name+"_cubic", e.Mul(name+"_square", x, x), scalar("scale", c*0.044715))
		u := e.Mul(name+"_argument", x, e.Add(name+"_sum", cubic, scalar("slope", c)))
		return e.Mul(name, x, e.Sigmoid(name+"_sigmoid", u))
	}
	return x
}
