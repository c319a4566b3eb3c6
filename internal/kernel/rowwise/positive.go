package rowwise

import "math"

// IfPositive returns g where y > 0, and 0 elsewhere, NaN included. Signs are as
// good as random to a branch predictor; on integers this compiles to a
// conditional move.
func IfPositive(y, g float32) float32 {
	b := math.Float32bits(g)
	if !(y > 0) {
		b = 0
	}
	return math.Float32frombits(b)
}
