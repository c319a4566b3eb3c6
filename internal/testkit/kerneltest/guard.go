package kerneltest

import (
	"math"
	"testing"
)

// GuardWord stands before and after every slice that tests hand to a kernel,
// guardLen times and more.
const GuardWord = float32(-12345.678)

const guardLen = 64

// guardSlice returns n zero values between guard words, shift values off
// alignment, and a function that says where outside them something was written,
// if anywhere. Guards of NaN show what is read there too, in the result.
func guardSlice[T float32 | uint8](n, shift int, word T) (s []T, broken func() (at int, yes bool)) {
	all := make([]T, n+2*guardLen+shift)
	for i := range all {
		all[i] = word
	}
	lo := guardLen + shift
	clear(all[lo : lo+n])
	return all[lo : lo+n : lo+n], func() (int, bool) {
		for i, v := range all {
			if outside := i < lo || i >= lo+n; outside && v != word && (v == v || word == word) {
				return i - lo, true
			}
		}
		return 0, false
	}
}

// Guarded returns n guard words at a deliberately odd address, and a function
// that fails the test if anything around them has changed.
func Guarded(t testing.TB, what string, n int) (s []float32, check func()) {
	return guardedBy(t, what, n, GuardWord)
}

// NanGuarded is guarded with NaN, so that a value that is read, or left
// unwritten, shows.
func NanGuarded(t testing.TB, what string, n int) (s []float32, check func()) {
	return guardedBy(t, what, n, float32(math.NaN()))
}

func guardedBy(t testing.TB, what string, n int, word float32) (s []float32, check func()) {
	s, broken := guardSlice(n, 5, word)
	for i := range s {
		s[i] = word
	}
	return s, func() {
		t.Helper()
		if at, yes := broken(); yes {
			t.Fatalf("%s: wrote outside its %d values, at %d", what, n, at)
		}
	}
}
