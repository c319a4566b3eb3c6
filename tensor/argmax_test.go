package tensor

import (
	"math"
	"testing"
)

// What torch.argmax says of the same rows.
func TestArgmax(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name string
		row  []float32
		want int
	}{
		{"empty", nil, 0},
		{"one", []float32{-3}, 0},
		{"last", []float32{1, 2, 3}, 2},
		{"the first of equal ones", []float32{1, 3, 3}, 1},
		{"zeros of both signs are equal", []float32{float32(math.Copysign(0, -1)), 0}, 0},
		{"infinite", []float32{1, inf, 2}, 1},
		{"all -Inf", []float32{-inf, -inf}, 0},
		{"NaN is above infinity", []float32{inf, 1, nan}, 2},
		{"the first NaN", []float32{1, nan, 5, nan}, 1},
		{"NaN in front", []float32{nan, 5}, 0},
	} {
		if got := Argmax(c.row); got != c.want {
			t.Errorf("%s: Argmax(%v) = %d, want %d", c.name, c.row, got, c.want)
		}
	}
}
