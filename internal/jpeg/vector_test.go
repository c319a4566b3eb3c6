package jpeg

import (
	"math/rand/v2"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// withSet runs f with the kernels of an instruction set.
func withSet(l *isa.Set, f func()) {
	defer isa.Use(isa.Use(l))
	f()
}

// TestVectorEqualsTwin: the assembly's transform and colors are those of plain
// Go, bit for bit.
func TestVectorEqualsTwin(t *testing.T) {
	if isa.Available()[0] == isa.Generic {
		t.Skip("this build has no assembly")
	}
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 5000 {
		var b [64]int32
		for range r.IntN(64) {
			b[r.IntN(64)] = int32(r.IntN(2000) - 1000)
		}
		c := b
		var got, want [8 * 11]uint8
		withSet(isa.Available()[0], func() { idct(&b, 3, got[:], 11) })
		withSet(isa.Generic, func() { idct(&c, ^uint64(0), want[:], 11) })
		if got != want {
			t.Fatalf("round %d: IDCT differs", round)
		}
	}
	const n = 256 * 256
	var y, cb, cr [n]uint8
	for i := range n {
		y[i], cb[i], cr[i] = uint8(r.Uint32()), uint8(i), uint8(i>>8)
	}
	got, want := make([]uint8, 3*n), make([]uint8, 3*n)
	withSet(isa.Available()[0], func() { yccRow(got, y[:], cb[:], cr[:]) })
	withSet(isa.Generic, func() { yccRow(want, y[:], cb[:], cr[:]) })
	for i, v := range got {
		if v != want[i] {
			t.Fatalf("color of y %d, cb %d, cr %d: %d, want %d", y[i/3], cb[i/3], cr[i/3], v, want[i])
		}
	}
}
