package kerneltest

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// EachSet runs f as a subtest with every instruction set that this build has
// kernels for. One that the processor lacks is skipped, and told.
func EachSet(t *testing.T, f func(t *testing.T)) {
	for _, s := range isa.InBuild() {
		t.Run(s.String(), func(t *testing.T) {
			if !s.Available() {
				t.Skipf("this processor does not have %s: its kernels are not tested here", s)
			}
			defer isa.Use(isa.Use(s))
			f(t)
		})
	}
}

// WithEachSet runs f with every instruction set that is here, for fuzzing and
// benchmarks.
func WithEachSet(f func(s *isa.Set)) {
	for _, s := range isa.Available() {
		func() {
			defer isa.Use(isa.Use(s))
			f(s)
		}()
	}
}

// StoreFrom makes the kernels of which these are the thresholds take
// non-temporal stores from n floats on, until the function that it returns is
// called.
func StoreFrom(n int, thresholds ...*int) (restore func()) {
	var olds []int
	for _, p := range thresholds {
		olds = append(olds, *p)
		*p = n
	}
	return func() {
		for i, p := range thresholds {
			*p = olds[i]
		}
	}
}
