package kerneltest

import "math"

// Activation64 is an activation and its derivative in float64.
type Activation64 struct{ Value, Slope func(x float64) float64 }

// Activations are the activations by name, each as its definition has it. Where
// there is a kink the derivative is the one of torch.nn.
var Activations = map[string]Activation64{
	"identity":    {func(x float64) float64 { return x }, func(float64) float64 { return 1 }},
	"relu":        {func(x float64) float64 { return math.Max(x, 0) }, func(x float64) float64 { return between(x, 0, math.Inf(1)) }},
	"relu6":       {func(x float64) float64 { return math.Min(math.Max(x, 0), 6) }, func(x float64) float64 { return between(x, 0, 6) }},
	"sigmoid":     {sigmoid, func(x float64) float64 { return sigmoid(x) * sigmoid(-x) }},
	"silu":        {func(x float64) float64 { return x * sigmoid(x) }, func(x float64) float64 { return sigmoid(x) + x*sigmoid(x)*sigmoid(-x) }},
	"hardsigmoid": {hardsigmoid, func(x float64) float64 { return between(x, -3, 3) / 6 }},
	"hardswish":   {func(x float64) float64 { return x * hardsigmoid(x) }, func(x float64) float64 { return hardsigmoid(x) + x*between(x, -3, 3)/6 }},
	"gelu":        {func(x float64) float64 { return x * normal(x) }, func(x float64) float64 { return normal(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi) }},
	"gelu tanh":   {func(x float64) float64 { return x * (1 + math.Tanh(tanhArgument(x))) / 2 }, geluTanhSlope},
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func hardsigmoid(x float64) float64 { return math.Min(math.Max(x+3, 0), 6) / 6 }

// normal is the distribution function of the standard normal.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

func tanhArgument(x float64) float64 { return math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x) }

func geluTanhSlope(x float64) float64 {
	u := tanhArgument(x)
	return (1+math.Tanh(u))/2 + x/2/math.Pow(math.Cosh(u), 2)*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x)
}

// between is 1 between the bounds and 0 elsewhere.
func between(x, low, high float64) float64 {
	if x > low && x < high {
		return 1
	}
	return 0
}
