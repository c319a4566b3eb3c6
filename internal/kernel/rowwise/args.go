package rowwise

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Args is the argument of the kernels that go through rows of C floats:
// pointers, counts, and constants. A flat kernel has one row. Which pointer is
// what is said where a room makes the argument, in its calls.go. The assembly is
// generated with the offsets of its fields: after a change, run go generate in
// asm.
type Args struct {
	P       [9]*float32
	Rows, C int
	Stride  int // of the streams that the kernel lets be strided
	K       [8]float32
}

// Flat runs a kernel on one row of n floats, if there are any.
func Flat(kernel func(a *Args), n int, k [8]float32, p ...[]float32) {
	if n == 0 {
		return
	}
	a := Args{Rows: 1, C: n, K: k}
	for i, s := range p {
		a.P[i] = ground.Ptr(s)
	}
	kernel(isa.Arg(&a))
}

// Floats returns n floats at pointer i, or nil when that is.
func (a *Args) Floats(i, n int) []float32 {
	if a.P[i] == nil {
		return nil
	}
	return unsafe.Slice(a.P[i], n)
}

// All is what pointer i has of [Rows, C].
func (a *Args) All(i int) []float32 { return a.Floats(i, a.Rows*a.C) }

// Strided is All of a stream whose rows are Stride apart.
func (a *Args) Strided(i int) []float32 { return a.Floats(i, (a.Rows-1)*a.Stride+a.C) }

// Channels is what pointer i has of [C].
func (a *Args) Channels(i int) []float32 { return a.Floats(i, a.C) }
