package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// arena makes guarded slices and remembers them.
type arena struct {
	t      *testing.T
	r      *rand.Rand
	shift  int // values by which slices are moved off alignment
	broken []func() (at int, yes bool)
}

func newArena(t *testing.T, seed uint64, shift int) *arena {
	return &arena{t: t, r: rand.New(rand.NewPCG(seed, 7)), shift: shift}
}

// zeros returns n guarded floats.
func (a *arena) zeros(n int) []float32 {
	s, broken := guardSlice(n, a.shift, guardWord)
	a.broken = append(a.broken, broken)
	return s
}

// normal returns n guarded floats with the given mean and deviation.
func (a *arena) normal(n int, mean, std float64) []float32 {
	s := a.zeros(n)
	for i := range s {
		s[i] = float32(mean + std*a.r.NormFloat64())
	}
	return s
}

func (a *arena) copyOf(s []float32) []float32 {
	d := a.zeros(len(s))
	copy(d, s)
	return d
}

func (a *arena) byteZeros(n int) []uint8 {
	s, broken := guardSlice(n, a.shift, uint8(0xA5))
	a.broken = append(a.broken, broken)
	return s
}

// check fails the test when a word outside a slice has changed.
func (a *arena) check() {
	a.t.Helper()
	for k, broken := range a.broken {
		if at, yes := broken(); yes {
			a.t.Errorf("slice %d: a kernel wrote outside it, at %d", k, at)
			return
		}
	}
}

// sameForThreads runs op with 1 to 4 threads, on a fresh arena with the same
// values each time, checks the guards, compares the outputs bit by bit, and
// returns them.
func sameForThreads(t *testing.T, op func(a *arena) [][]float32) [][]float32 {
	t.Helper()
	var first [][]float32
	for threads := 1; threads <= 4; threads++ {
		a := newArena(t, 1, threads-1)
		old := parallel.SetThreads(threads)
		out := op(a)
		parallel.SetThreads(old)
		a.check()
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

// near checks got against want: NaN for NaN, Inf for Inf, else within tol
// times the larger of 1 and |want|.
func near(t *testing.T, what string, got []float32, want []float64, tol float64) {
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

// shapes are [rows, c] that meet every path of the kernels: empty, one value,
// tails of every width, whole vectors, more than one piece of rows.
var shapes = []shape{
	{0, 5}, {1, 1}, {3, 1}, {7, 3}, {5, 8}, {4, 15}, {9, 16}, {10, 17}, {33, 31}, {6, 33},
	{13, 48}, {50, 64}, {11, 100}, {37, 127}, {3, 513}, {1000, 7}, {4099, 16}, {2500, 64},
}

func (s shape) String() string { return fmt.Sprintf("%dx%d", s.rows, s.c) }

type shape struct{ rows, c int }

// allShapes runs body for every instruction set and shape.
func allShapes(t *testing.T, body func(t *testing.T, rows, c int)) {
	eachSet(t, func(t *testing.T) {
		for _, s := range shapes {
			t.Run(s.String(), func(t *testing.T) { body(t, s.rows, s.c) })
		}
	})
}
