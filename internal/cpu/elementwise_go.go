package cpu

import "math"

// The Go twins of the flat kernels: the loops that the assembly unrolls.

func reluGo(x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = max(v, 0) // a NaN passes
	}
}

func reluGradGo(dy, y, dx []float32) {
	for i, g := range dy {
		dx[i] = ifPositive(y[i], g)
	}
}

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

func scaleGo(a float32, x []float32) {
	for i := range x {
		x[i] *= a
	}
}

func sumSquaresGo(x []float32) float64 {
	// Four sums, so that an addition need not wait for the one before.
	var s [4]float64
	for len(x) >= 4 {
		s[0] += float64(x[0]) * float64(x[0])
		s[1] += float64(x[1]) * float64(x[1])
		s[2] += float64(x[2]) * float64(x[2])
		s[3] += float64(x[3]) * float64(x[3])
		x = x[4:]
	}
	for _, v := range x {
		s[0] += float64(v) * float64(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}
