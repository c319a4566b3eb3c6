package elementwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds the flat elementwise operations: no shape, one value at a
// time. Those with channels are in rows.go.

// Add computes dst = x + y. dst may be x or y.
func Add(x, y, dst []float32) {
	ground.Need("elementwise.Add", "y", len(y), len(x))
	ground.Need("elementwise.Add", "dst", len(dst), len(x))
	type args struct{ x, y, dst []float32 }
	parallel.ChunksWith(len(x), rowwise.FlatChunk, args{x, y, dst}, func(a *args, lo, hi int) {
		add(a.x[lo:hi], a.y[lo:hi], a.dst[lo:hi])
	})
}

// Mul computes dst = x * y, element by element (a dropout mask, say). dst may
// be x or y.
func Mul(x, y, dst []float32) {
	ground.Need("elementwise.Mul", "y", len(y), len(x))
	ground.Need("elementwise.Mul", "dst", len(dst), len(x))
	type args struct{ x, y, dst []float32 }
	parallel.ChunksWith(len(x), rowwise.FlatChunk, args{x, y, dst}, func(a *args, lo, hi int) {
		mul(a.x[lo:hi], a.y[lo:hi], a.dst[lo:hi])
	})
}

// AXPY computes y += a*x. y may be x.
func AXPY(a float32, x, y []float32) {
	ground.Need("elementwise.AXPY", "y", len(y), len(x))
	type args struct {
		a    float32
		x, y []float32
	}
	parallel.ChunksWith(len(x), rowwise.FlatChunk, args{a, x, y}, func(v *args, lo, hi int) {
		axpy(v.a, v.x[lo:hi], v.y[lo:hi])
	})
}
