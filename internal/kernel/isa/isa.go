// Package isa chooses, once at start, the instruction set for which kernels are
// written: the best that processor and build offer, or a lesser one that the
// environment variable WHIPPET_CPU names. It knows nothing of the kernels. Each
// family of them keeps a Table, in which a set's kernels stand beside the
// portable ones and are exchanged with the set.
//
// To add an instruction set: a Set below, its line in known, a file that
// detects it, and in a family of kernels a file that adds the first of them to
// the family's table. What the new set does not have is done in plain Go.
package isa

import (
	"fmt"
	"os"
	"strings"
)

// Set is an instruction set that kernels may be written for.
type Set struct {
	name      string
	inBuild   bool // there are kernels for it in this build
	available bool // and the processor has it
}

// The instruction sets. Generic is plain Go and always available.
var (
	Generic = &Set{name: "generic", inBuild: true, available: true}
	AVX2    = &Set{name: "avx2"}   // and FMA
	AVX512  = &Set{name: "avx512"} // F, DQ, BW and VL, and FMA
	NEON    = &Set{name: "neon"}   // Advanced SIMD of arm64
)

// known lists every set, the better of two that one processor may have first.
var known = []*Set{AVX512, AVX2, NEON, Generic}

// String is the set's name, as WHIPPET_CPU takes it.
func (s *Set) String() string { return s.name }

// Available reports whether this processor and build can run s.
func (s *Set) Available() bool { return s.available }

// InBuild lists the sets that this build has kernels for, the best first. Not
// all of them need be Available.
func InBuild() []*Set { return where(func(s *Set) bool { return s.inBuild }) }

// Available lists the sets that this processor and build can run, the best
// first; the last is Generic.
func Available() []*Set { return where((*Set).Available) }

func where(ok func(s *Set) bool) []*Set {
	var l []*Set
	for _, s := range known {
		if ok(s) {
			l = append(l, s)
		}
	}
	return l
}

// active is the set in use, written at start and by Use only; chosenBadly is
// what was wrong with WHIPPET_CPU.
var (
	active      *Set
	chosenBadly error
)

func init() {
	detect()
	active, chosenBadly = choose(os.Getenv("WHIPPET_CPU"))
}

// choose returns the set that WHIPPET_CPU=name stands for; or the best, and an
// error when name is not one of this processor and build.
func choose(name string) (*Set, error) {
	best := Available()[0]
	if name == "" {
		return best, nil
	}
	s, err := Parse(name)
	if err != nil {
		return best, fmt.Errorf("environment variable WHIPPET_CPU: %w; using %s", err, best)
	}
	if !s.available {
		return best, fmt.Errorf("WHIPPET_CPU=%s, but this processor or build offers %s at most; using %s", name, best, best)
	}
	return s, nil
}

// EnvError says what was wrong with the environment variable WHIPPET_CPU, and
// what is used in its place; nil when nothing was. A library does not print:
// a program that does shows it once.
func EnvError() error { return chosenBadly }

// Parse returns the set of that name, available or not.
func Parse(name string) (*Set, error) {
	names := make([]string, len(known))
	for i, s := range known {
		if s.name == name {
			return s, nil
		}
		names[len(known)-1-i] = s.name
	}
	last := len(names) - 1
	return nil, fmt.Errorf("unknown level %q: want %s or %s", name, strings.Join(names[:last], ", "), names[last])
}

// Active returns the set in use.
func Active() *Set { return active }

// Use makes s the set in use, for tests and benchmarks, and returns the one
// before. It panics when s is not Available. It must not run beside kernels,
// and what was packed for one set must not be used with another.
func Use(s *Set) (old *Set) {
	if !s.available {
		panic(fmt.Sprintf("isa: instruction set %s is not available here", s))
	}
	old, active = active, s
	for _, f := range followers {
		f()
	}
	return old
}

// followers are called when the set in use has changed.
var followers []func()
