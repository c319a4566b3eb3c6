package elementwise

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func TestInterleave(t *testing.T) {
	for _, s := range kerneltest.Shapes {
		rows, c := s.Rows, s.C
		a := kerneltest.NewArena(t, 1, 1)
		first, second, y := a.Normal(rows*c, 0, 1), a.Normal(rows*c, 0, 1), a.Zeros(2*rows*c)
		Interleave(rows, c, first, second, y)
		back := [2][]float32{a.Zeros(rows * c), a.Zeros(rows * c)}
		for i := range back {
			Deinterleave(rows, c, i, y, back[i])
		}
		a.Check()
		for i := range first {
			if y[2*i] != first[i] || y[2*i+1] != second[i] {
				t.Fatalf("%v: channels %d of both are %v and %v, want %v and %v", s, i, y[2*i], y[2*i+1], first[i], second[i])
			}
			if back[0][i] != first[i] || back[1][i] != second[i] {
				t.Fatalf("%v: channels %d come back as %v and %v, want %v and %v", s, i, back[0][i], back[1][i], first[i], second[i])
			}
		}
	}
}
