package rng

import "testing"

// TestSkip compares what comes after numbers that were skipped with what comes after the same
// numbers drawn.
func TestSkip(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		drawn, skipped := New(5, 6), New(5, 6)
		for range n {
			drawn.Normal()
			drawn.Float64()
		}
		skipped.Skip(3 * n)
		if a, b := drawn.Uint64(), skipped.Uint64(); a != b {
			t.Errorf("after %d numbers: %x, after skipping them: %x", 3*n, a, b)
		}
	}
}
