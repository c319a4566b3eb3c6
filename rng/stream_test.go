package rng_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/rng"
)

// The numbers of a stream are part of what a seed promises: a change of them
// changes every training run.
func TestStreamNumbers(t *testing.T) {
	for _, c := range []struct {
		name string
		s    *rng.Stream
		want [2]uint64
	}{
		{"seed", rng.New(42), [2]uint64{0x57e1faba65107204, 0xf4abd143feb24055}},
		{"keys", rng.New(42, 1, 2), [2]uint64{0xb9cdbf5945e839b1, 0x36f05def3cbd35e0}},
		{"keys in another order", rng.New(42, 2, 1), [2]uint64{0x5ad3ae99fb01cd27, 0x233b498a5236db5a}},
	} {
		if got := [2]uint64{c.s.Uint64(), c.s.Uint64()}; got != c.want {
			t.Errorf("%s: the numbers are %#x, want %#x", c.name, got, c.want)
		}
	}
}

func TestDistributions(t *testing.T) {
	const n = 100_000
	for _, c := range []struct {
		name      string
		draw      func(r *rng.Stream) float64
		mean, std float64
	}{
		{"Float64", (*rng.Stream).Float64, 0.5, math.Sqrt(1. / 12)},
		{"Float32", func(r *rng.Stream) float64 { return float64(r.Float32()) }, 0.5, math.Sqrt(1. / 12)},
		{"Uniform(-1,3)", func(r *rng.Stream) float64 { return r.Uniform(-1, 3) }, 1, 4 * math.Sqrt(1./12)},
		{"Bool(0.2)", func(r *rng.Stream) float64 {
			if r.Bool(0.2) {
				return 1
			}
			return 0
		}, 0.2, 0.4},
		{"IntN(5)", func(r *rng.Stream) float64 { return float64(r.IntN(5)) }, 2, math.Sqrt2},
		{"Normal", (*rng.Stream).Normal, 0, 1},
	} {
		r, sum, squares := rng.New(3), 0.0, 0.0
		for range n {
			v := c.draw(r)
			sum, squares = sum+v, squares+v*v
		}
		mean := sum / n
		std := math.Sqrt(squares/n - mean*mean)
		if bound := 4 * c.std / math.Sqrt(n); math.Abs(mean-c.mean) > bound || math.Abs(std-c.std) > bound {
			t.Errorf("%s: mean %.4f and standard deviation %.4f, want %.4f and %.4f", c.name, mean, std, c.mean, c.std)
		}
	}
}

func TestPerm(t *testing.T) {
	p := rng.New(1).Perm(100)
	if slices.IsSorted(p) {
		t.Error("the permutation is the identity")
	}
	slices.Sort(p)
	for i, v := range p {
		if v != i {
			t.Fatalf("the sorted permutation has %d at %d", v, i)
		}
	}
}

// Each item of each epoch has a stream of its own: what it draws does not depend
// on the order in which items are worked on.
func ExampleNew() {
	const seed, brightness = 42, 1 // brightness is the purpose
	for _, item := range []uint64{2, 0, 1} {
		fmt.Println(item, rng.New(seed, brightness, 0, item).IntN(100))
	}
	// Unordered output:
	// 0 76
	// 1 31
	// 2 95
}
