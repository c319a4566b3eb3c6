package kerneltest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// Arena makes guarded slices and remembers them.
type Arena struct {
	T      *testing.T
	R      *rand.Rand
	shift  int // values by which slices are moved off alignment
	broken []func() (at int, yes bool)
}

// NewArena returns an Arena with random numbers from seed, whose slices are shift
// values off alignment.
func NewArena(t *testing.T, seed uint64, shift int) *Arena {
	return &Arena{T: t, R: rand.New(rand.NewPCG(seed, 7)), shift: shift}
}

// Zeros returns n guarded floats.
func (a *Arena) Zeros(n int) []float32 {
	s, broken := guardSlice(n, a.shift, GuardWord)
	a.broken = append(a.broken, broken)
	return s
}

// Normal returns n guarded floats with the given mean and deviation.
func (a *Arena) Normal(n int, mean, std float64) []float32 {
	s := a.Zeros(n)
	for i := range s {
		s[i] = float32(mean + std*a.R.NormFloat64())
	}
	return s
}

// CopyOf returns a guarded copy of s.
func (a *Arena) CopyOf(s []float32) []float32 {
	d := a.Zeros(len(s))
	copy(d, s)
	return d
}

// ByteZeros returns n guarded bytes.
func (a *Arena) ByteZeros(n int) []uint8 {
	s, broken := guardSlice(n, a.shift, uint8(0xA5))
	a.broken = append(a.broken, broken)
	return s
}

// Check fails the test when a word outside a slice has changed.
func (a *Arena) Check() {
	a.T.Helper()
	for k, broken := range a.broken {
		if at, yes := broken(); yes {
			a.T.Errorf("slice %d: a kernel wrote outside it, at %d", k, at)
			return
		}
	}
}

// SameForThreads runs op with 1 to 4 threads, on a fresh arena with the same
// values each time, checks the guards, compares the outputs bit by bit, and
// returns them.
func SameForThreads(t *testing.T, op func(a *Arena) [][]float32) [][]float32 {
	t.Helper()
	var first [][]float32
	for threads := 1; threads <= 4; threads++ {
		a := NewArena(t, 1, threads-1)
		old := parallel.SetThreads(threads)
		out := op(a)
		parallel.SetThreads(old)
		a.Check()
		if first == nil {
			first = out
			continue
		}
		for k := range out {
			for i := range out[k] {
				if math.Float32bits(out[k][i]) != math.Float32bits(first[k][i]) {
					t.Fatalf("output %d[%d]: %v with %d threads and alignment %d, %v with 1 and 0", k, i, out[k][i], threads, threads-1, first[k][i])
				}
			}
		}
	}
	return first
}

// Near checks got against want: NaN for NaN, Inf for Inf, else within tol
// times the larger of 1 and |want|.
func Near(t *testing.T, what string, got []float32, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := float64(got[i])
		if math.IsNaN(w) && math.IsNaN(g) || g == w {
			continue
		}
		if !(math.Abs(g-w) <= tol*max(1, math.Abs(w))) {
			t.Fatalf("%s[%d] = %v, want %v within %g", what, i, g, w, tol)
		}
	}
}

// Shapes are [rows, c] that meet every path of the kernels: empty, one value,
// tails of every width, whole vectors, more than one piece of rows.
var Shapes = []Shape{
	{0, 5}, {1, 1}, {3, 1}, {7, 3}, {5, 8}, {4, 15}, {9, 16}, {10, 17}, {33, 31}, {6, 33},
	{13, 48}, {50, 64}, {11, 100}, {37, 127}, {3, 513}, {1000, 7}, {4099, 16}, {2500, 64},
}

// String is rows x channels.
func (s Shape) String() string { return fmt.Sprintf("%dx%d", s.Rows, s.C) }

// Shape is that of rows of c channels.
type Shape struct{ Rows, C int }

// AllShapes runs body for every instruction set and shape.
func AllShapes(t *testing.T, body func(t *testing.T, rows, c int)) {
	EachSet(t, func(t *testing.T) {
		for _, s := range Shapes {
			t.Run(s.String(), func(t *testing.T) { body(t, s.Rows, s.C) })
		}
	})
}
