package elementwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds elementwise work on [rows, c] with one value per channel:
// biases, their gradients, and copies between channel slices.

// rowChunk returns how many rows of c floats one piece of work takes. It
// depends on the shape alone. A piece is at most 256 KB, so that what a first
// pass read is in the core's cache for a second one; small tensors are still
// cut into some 32 pieces; and a float32 sum never runs over more than 1024
// terms before it is merged in float64.
func rowChunk(rows, c int) int {
	floats := min(max(rows*c/32, 4<<10), 64<<10)
	n := min(max(floats/c, 1), 1024)
	return (n + 3) &^ 3
}

// pieces returns into how many pieces of size the range [0,n) is cut.
func pieces(n, size int) int { return (n + size - 1) / size }

// forRows runs body over fixed pieces of the rows of [rows, c]. body captures
// nothing, as parallel.ChunksWith asks for.
func forRows[A any](rows, c int, args A, body func(a *A, lo, hi int)) {
	if rows <= 0 || c <= 0 {
		return
	}
	parallel.ChunksWith(rows, rowChunk(rows, c), args, body)
}

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
	forRows(rows, c, args{x, bias, y, c}, func(a *args, lo, hi int) {
		AddBiasPiece(a.x[lo*a.c:hi*a.c], a.bias, a.y[lo*a.c:hi*a.c], hi-lo, a.c)
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
		sums rowSums
	}
	a := args{x, c, newRowSums(rows, c, 1)}
	forRows(rows, c, a, func(a *args, lo, hi int) {
		SumPiece(a.x[lo*a.c:hi*a.c], hi-lo, a.c, a.sums.at(lo))
	})
	a.sums.merge(out)
}

// sumRowsGo adds the column sums of x [rows, c] to sums [c].
func sumRowsGo(x []float32, rows, c int, sums []float32) {
	for r := range rows {
		for i, v := range x[r*c : (r+1)*c] {
			sums[i] += v
		}
	}
}

// rowSums adds up quantities per channel over the rows of [rows, c], in fixed
// pieces of rows.
type rowSums struct {
	part       []float32 // scratch, [pieces][quantities][c]; nil without rows
	c, perPart int       // perPart: quantities*c
	size, n    int       // n pieces of size rows
}

func newRowSums(rows, c, quantities int) rowSums {
	s := rowSums{c: c, perPart: quantities * c}
	if rows > 0 && c > 0 {
		s.size = rowChunk(rows, c)
		s.n = pieces(rows, s.size)
		s.part = ground.GetScratch(s.n * s.perPart)
	}
	return s
}

// at returns the sums [quantities, c] of the piece that begins with row lo, zero
// at first.
func (s *rowSums) at(lo int) []float32 {
	sums := s.part[lo/s.size*s.perPart:][:s.perPart]
	clear(sums)
	return sums
}

// merge writes the total of each quantity to one of out [c], added up in float64
// in the order of the pieces, and ends the use of s.
func (s *rowSums) merge(out ...[]float32) {
	for q, o := range out {
		if s.part == nil {
			clear(o)
		} else {
			MergeSums(s.part[q*s.c:], s.n, s.perPart, o)
		}
	}
	if s.part != nil {
		ground.PutScratch(s.part)
	}
}

// mergeBlock is how many channels of partial results one piece of merging
// covers.
const mergeBlock = 64

// MergeSums computes out[ch] = sum over i < n of part[i*stride+ch], in float64
// and in the order of i.
func MergeSums(part []float32, n, stride int, out []float32) {
	type args struct {
		part, out []float32
		n, stride int
	}
	parallel.ChunksWith(len(out), mergeBlock, args{part, out, n, stride}, func(a *args, lo, hi int) {
		var acc [mergeBlock]float64
		for i := range a.n {
			for ch, v := range a.part[i*a.stride+lo : i*a.stride+hi] {
				acc[ch] += float64(v)
			}
		}
		for ch := range hi - lo {
			a.out[lo+ch] = float32(acc[ch])
		}
	})
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
		parallel.ChunksWith(rows*c, flatChunk, a, func(a *args, lo, hi int) { copy(a.dst[lo:hi], a.src[lo:hi]) })
		return
	}
	forRows(rows, c, a, func(a *args, lo, hi int) {
		for r := lo; r < hi; r++ {
			copy(a.dst[r*a.dstStride:][:a.c], a.src[r*a.srcStride:][:a.c])
		}
	})
}
