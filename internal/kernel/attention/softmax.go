package attention

import "math"

// softmaxGo is the portable form: x = exp(scale*x) over the sum of it in each row.
// scale is positive. Scores of minus infinity have the probability 0.
func softmaxGo(x []float32, rows, c int, scale float32) {
	for r := range rows {
		x := x[r*c:][:c]
		m := x[0]
		for _, v := range x {
			m = max(m, v)
		}
		var sum float32
		for i, v := range x {
			e := float32(math.Exp(float64((v - m) * scale)))
			x[i] = e
			sum += e
		}
		share := 1 / sum
		for i := range x {
			x[i] *= share
		}
	}
}

// softmaxGradGo is the portable form: g = scale*p*(g - sum(p*g)) in each row.
func softmaxGradGo(p, g []float32, rows, c int, scale float32) {
	for r := range rows {
		p, g := p[r*c:][:c], g[r*c:][:c]
		var d float32
		for i, v := range p {
			d += float32(v * g[i])
		}
		for i, v := range p {
			g[i] = v * ((g[i] - d) * scale)
		}
	}
}
