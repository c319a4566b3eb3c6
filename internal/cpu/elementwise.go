package cpu

import (
	"fmt"
	"unsafe"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds the flat elementwise operations: no shape, one value at a
// time. Those with channels are in elementwise_rows.go.

// flatChunk is how many floats one piece of flat work covers: 128 KB per
// slice, small enough that a few slices stay in a core's second-level cache.
const flatChunk = 32 << 10

// pastFloats is from how many floats on an output is stored past the caches
// (16 MB). Such a store saves reading the output's old contents from memory,
// but leaves nothing in the cache for the reader. Measured on a 32 MB cache:
// ScaleShift of 100 MB takes 3.0 instead of 4.4 ms, of 25 MB 0.85 instead of
// 1.3; together with a read of the result both still gain, and at 12 MB it is
// even.
var pastFloats = 4 << 20 // a variable for tests

// storesPast reports whether out, rows of c floats, is to be stored past the
// caches: it is large, every vector in it is aligned, and it does not hold an
// input too, whose lines are in the cache anyway.
func storesPast(out []float32, c int, inputs ...[]float32) bool {
	if len(out) < pastFloats || c%16 != 0 || uintptr(unsafe.Pointer(&out[0]))%64 != 0 {
		return false
	}
	for _, in := range inputs {
		if len(in) > 0 && &in[0] == &out[0] {
			return false
		}
	}
	return true
}

// need panics unless a slice has the length its shape asks for. The assembly
// behind these functions trusts lengths, so every exported function checks.
func need(op, name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("cpu.%s: len(%s) is %d, the shape needs %d", op, name, got, want))
	}
}

// needOptional is need for a slice that may be nil.
func needOptional(op, name string, s []float32, want int) {
	if s != nil {
		need(op, name, len(s), want)
	}
}

// ReLU computes y = max(x, 0) (torch.relu). A NaN stays NaN. y may be x.
func ReLU(x, y []float32) {
	need("ReLU", "y", len(y), len(x))
	type args struct{ x, y []float32 }
	parallel.ChunksWith(len(x), flatChunk, args{x, y}, func(a *args, lo, hi int) {
		x, y := a.x[lo:hi], a.y[lo:hi]
		if !reluVec(x, y) {
			reluGo(x, y)
		}
	})
}

// ReLUBackward computes dx = dy where y > 0, and 0 elsewhere; y is ReLU's
// output (or its input: the sign is the same). dx may be dy or y.
func ReLUBackward(dy, y, dx []float32) {
	need("ReLUBackward", "y", len(y), len(dy))
	need("ReLUBackward", "dx", len(dx), len(dy))
	type args struct{ dy, y, dx []float32 }
	parallel.ChunksWith(len(dy), flatChunk, args{dy, y, dx}, func(a *args, lo, hi int) {
		reluGrad(a.dy[lo:hi], a.y[lo:hi], a.dx[lo:hi])
	})
}

// reluGrad is ReLUBackward for one piece.
func reluGrad(dy, y, dx []float32) {
	if !reluGradVec(dy, y, dx) {
		reluGradGo(dy, y, dx)
	}
}

// Add computes dst = x + y. dst may be x or y.
func Add(x, y, dst []float32) {
	need("Add", "y", len(y), len(x))
	need("Add", "dst", len(dst), len(x))
	type args struct{ x, y, dst []float32 }
	parallel.ChunksWith(len(x), flatChunk, args{x, y, dst}, func(a *args, lo, hi int) {
		add(a.x[lo:hi], a.y[lo:hi], a.dst[lo:hi])
	})
}

// add is Add for one piece.
func add(x, y, dst []float32) {
	if !addVec(x, y, dst) {
		addGo(x, y, dst)
	}
}

// Mul computes dst = x * y, element by element (a dropout mask, say). dst may
// be x or y.
func Mul(x, y, dst []float32) {
	need("Mul", "y", len(y), len(x))
	need("Mul", "dst", len(dst), len(x))
	type args struct{ x, y, dst []float32 }
	parallel.ChunksWith(len(x), flatChunk, args{x, y, dst}, func(a *args, lo, hi int) {
		x, y, dst := a.x[lo:hi], a.y[lo:hi], a.dst[lo:hi]
		if !mulVec(x, y, dst) {
			mulGo(x, y, dst)
		}
	})
}

// AXPY computes y += a*x. y may be x.
func AXPY(a float32, x, y []float32) {
	need("AXPY", "y", len(y), len(x))
	type args struct {
		a    float32
		x, y []float32
	}
	parallel.ChunksWith(len(x), flatChunk, args{a, x, y}, func(v *args, lo, hi int) {
		a, x, y := v.a, v.x[lo:hi], v.y[lo:hi]
		if !axpyVec(a, x, y) {
			axpyGo(a, x, y)
		}
	})
}

// Scale computes x *= a, in place.
func Scale(a float32, x []float32) {
	type args struct {
		a float32
		x []float32
	}
	parallel.ChunksWith(len(x), flatChunk, args{a, x}, func(v *args, lo, hi int) {
		a, x := v.a, v.x[lo:hi]
		if !scaleVec(a, x) {
			scaleGo(a, x)
		}
	})
}

// SumSquares returns the sum of x[i]*x[i], accumulated in float64; for norms
// of gradients and parameters. The sum is grouped in fixed chunks of x, so it
// is the same for any number of threads.
func SumSquares(x []float32) float64 {
	n := (len(x) + flatChunk - 1) / flatChunk
	if n <= 1 {
		return sumSquares(x)
	}
	buf := getScratch(2 * n)
	defer putScratch(buf)
	part := unsafe.Slice((*float64)(unsafe.Pointer(&buf[0])), n) // aligned, as scratch is
	type args struct {
		x    []float32
		part []float64
	}
	parallel.ChunksWith(len(x), flatChunk, args{x, part}, func(a *args, lo, hi int) {
		a.part[lo/flatChunk] = sumSquares(a.x[lo:hi])
	})
	s := 0.0
	for _, p := range part {
		s += p
	}
	return s
}

func sumSquares(x []float32) float64 {
	if s, ok := sumSquaresVec(x); ok {
		return s
	}
	return sumSquaresGo(x)
}
