// Package cpu holds the compute kernels: matrix product, convolution, pooling,
// normalisation, elementwise work and the optimiser's step.
//
// Every kernel exists as plain Go, which is its documentation and its fallback,
// and where it pays as AVX2 and AVX-512 assembly for amd64. The level is chosen
// once, at start, from the processor; the environment variable WHIPPET_CPU
// (generic, avx2, avx512) lowers it, and the build tag noasm leaves the
// assembly out. All functions cut their work by shape alone: at one level the
// result is the same bits for any number of threads.
package cpu

import (
	"fmt"
	"os"
)

// Level is an instruction set that kernels are written for.
type Level int

// The levels, in rising order.
const (
	Generic Level = iota
	AVX2
	AVX512
)

func (l Level) String() string {
	switch l {
	case AVX512:
		return "avx512"
	case AVX2:
		return "avx2"
	}
	return "generic"
}

// level is the active level. It is written in init and by SetLevel only.
var level = Generic

func init() {
	level = detect()
	if s := os.Getenv("WHIPPET_CPU"); s != "" {
		want, err := ParseLevel(s)
		if err != nil {
			fmt.Fprintf(os.Stderr, "whippet: environment variable WHIPPET_CPU: %v; using %s\n", err, level)
			return
		}
		if want > level {
			fmt.Fprintf(os.Stderr, "whippet: WHIPPET_CPU=%s, but this processor or build offers %s at most; using %s\n", s, level, level)
			return
		}
		level = want
	}
}

// ParseLevel reads a level's name as WHIPPET_CPU takes it.
func ParseLevel(s string) (Level, error) {
	for _, l := range []Level{Generic, AVX2, AVX512} {
		if s == l.String() {
			return l, nil
		}
	}
	return Generic, fmt.Errorf("unknown level %q: want generic, avx2 or avx512", s)
}

// Active returns the level in use.
func Active() Level { return level }

// Best returns the highest level that this processor and build offer.
func Best() Level { return detect() }

// SetLevel switches the level, for tests and benchmarks, and returns the
// previous one. It panics when the processor does not offer l. It must not run
// beside kernels, and data packed at one level must not be used at another.
func SetLevel(l Level) Level {
	if l > detect() {
		panic(fmt.Sprintf("cpu: level %s is not available here", l))
	}
	old := level
	level = l
	return old
}
