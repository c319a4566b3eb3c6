package nn

import (
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
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
	draw(e, 1, r, func(r *rng.Stream) float64 { return r.Uniform(-bound, bound) })
}

func normal(e Entry, std float64, r *rng.Stream) {
	draw(e, 2, r, func(r *rng.Stream) float64 { return float64(std * r.Normal()) })
}

// draw fills a parameter with values for each of which value draws numbers of r, on all
// threads: a large network has tens of millions.
func draw(e Entry, numbers int, r *rng.Stream, value func(*rng.Stream) float64) {
	const piece = 1 << 14
	d := e.Param.Value.Data
	parallel.For((len(d)+piece-1)/piece, func(i int) {
		own := *r
		own.Skip(i * piece * numbers)
		for j := i * piece; j < min((i+1)*piece, len(d)); j++ {
			d[j] = float32(value(&own))
		}
	})
	r.Skip(len(d) * numbers)
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
