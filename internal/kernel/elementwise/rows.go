package elementwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds elementwise work on [rows, c] with one value per channel:
// biases, their gradients, and copies between channel slices.

// AddBias computes y = x + bias, bias per channel. x and y are [rows, c], bias is
// [c]. y may be x.
func AddBias(x []float32, rows, c int, bias, y []float32) {
	ground.Need("elementwise.AddBias", "x", len(x), rows*c)
	ground.Need("elementwise.AddBias", "bias", len(bias), c)
	ground.Need("elementwise.AddBias", "y", len(y), rows*c)
	type args struct {
		x, bias, y []float32
		c          int
	}
	rowwise.For(rows, c, args{x, bias, y, c}, func(a *args, lo, hi int) {
		addBias(a.x[lo*a.c:hi*a.c], a.bias, a.y[lo*a.c:hi*a.c], hi-lo, a.c)
	})
}

func addBiasGo(x, bias, y []float32, rows, c int) {
	for r := range rows {
		yr := y[r*c : (r+1)*c]
		for i, v := range x[r*c : (r+1)*c] {
			yr[i] = v + bias[i]
		}
	}
}

// SumRows computes out[i] = sum over rows of x[row, i]: the gradient of a bias.
// x is [rows, c], out [c], overwritten. Each fixed piece of rows is summed in
// float32, the pieces in float64.
func SumRows(x []float32, rows, c int, out []float32) {
	ground.Need("elementwise.SumRows", "x", len(x), rows*c)
	ground.Need("elementwise.SumRows", "out", len(out), c)
	type args struct {
		x    []float32
		c    int
		sums rowwise.Sums
	}
	a := args{x, c, rowwise.NewSums(rows, c, 1)}
	rowwise.For(rows, c, a, func(a *args, lo, hi int) {
		sumRows(a.x[lo*a.c:hi*a.c], hi-lo, a.c, a.sums.At(lo))
	})
	a.sums.Merge(out)
}

// sumRowsGo adds the column sums of x [rows, c] to sums [c].
func sumRowsGo(x []float32, rows, c int, sums []float32) {
	for r := range rows {
		for i, v := range x[r*c : (r+1)*c] {
			sums[i] += v
		}
	}
}

// CopyStrided copies rows pieces of c floats: dst[r*dstStride+i] =
// src[r*srcStride+i]. With dst a channel slice of a wider tensor it is half of
// a concatenation, with src one it is half of a split. The strides are in
// floats and at least c; dst and src need (rows-1)*stride+c floats and must
// not overlap.
func CopyStrided(dst []float32, dstStride int, src []float32, srcStride, c, rows int) {
	if rows <= 0 || c <= 0 {
		return
	}
	ground.NeedStrided("elementwise.CopyStrided", "dst", len(dst), rows, c, dstStride)
	ground.NeedStrided("elementwise.CopyStrided", "src", len(src), rows, c, srcStride)
	type args struct {
		dst, src                []float32
		dstStride, srcStride, c int
	}
	a := args{dst, src, dstStride, srcStride, c}
	if dstStride == c && srcStride == c {
		parallel.ChunksWith(rows*c, rowwise.FlatChunk, a, func(a *args, lo, hi int) { copy(a.dst[lo:hi], a.src[lo:hi]) })
		return
	}
	rowwise.For(rows, c, a, func(a *args, lo, hi int) {
		for r := lo; r < hi; r++ {
			copy(a.dst[r*a.dstStride:][:a.c], a.src[r*a.srcStride:][:a.c])
		}
	})
}
