package elementwise

import "math"

// The Go twins of the flat kernels: the loops that the assembly unrolls.

// ifPositive returns g where y > 0, and 0 elsewhere, NaN included. Signs are as
// good as random to a branch predictor; on integers this compiles to a
// conditional move.
func ifPositive(y, g float32) float32 {
	b := math.Float32bits(g)
	if !(y > 0) {
		b = 0
	}
	return math.Float32frombits(b)
}

func addGo(x, y, dst []float32) {
	y, dst = y[:len(x)], dst[:len(x)]
	for i, v := range x {
		dst[i] = v + y[i]
	}
}

func mulGo(x, y, dst []float32) {
	y, dst = y[:len(x)], dst[:len(x)]
	for i, v := range x {
		dst[i] = v * y[i]
	}
}

func axpyGo(a float32, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * v
	}
}
