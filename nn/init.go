package nn

import (
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// KaimingNormal fills a weight with N(0, 2/fan) (He et al. 2015; torch's
// kaiming_normal_ with the gain of ReLU). fan is the number of inputs of one
// output value, or with fanOut the number of outputs that one input feeds.
func KaimingNormal(e Entry, fanOut bool, r *rng.Stream) {
	normal(e, math.Sqrt(2/fan(e, fanOut)), r)
}

// KaimingUniform fills a weight with U(-b,b), b = sqrt(6/fan_in), torch's
// kaiming_uniform_ with the gain of ReLU.
func KaimingUniform(e Entry, r *rng.Stream) { Uniform(e, math.Sqrt(6/fan(e, false)), r) }

// Normal fills a weight with N(0, std²).
func Normal(e Entry, std float64, r *rng.Stream) { normal(e, std, r) }

// Uniform fills a weight or bias with U(-bound, bound).
func Uniform(e Entry, bound float64, r *rng.Stream) {
	d := e.Param.Value.Data
	for i := range d {
		d[i] = float32(r.Uniform(-bound, bound))
	}
}

func normal(e Entry, std float64, r *rng.Stream) {
	d := e.Param.Value.Data
	for i := range d {
		d[i] = float32(std * r.Normal())
	}
}

func fan(e Entry, out bool) float64 {
	f := 1
	for _, d := range e.Shape[2:] {
		f *= d
	}
	if out {
		return float64(f * e.Shape[0])
	}
	return float64(f * e.Shape[1])
}

// Fill sets every value of a parameter.
func Fill(e Entry, v float32) { fill(e.Param.Value.Data, v) }
