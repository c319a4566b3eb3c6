package norm

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds the statistics of batch normalization; scaleshift.go applies
// the coefficients that they give, and batchnorm.go is the backward pass. See
// Ioffe and Szegedy, "Batch Normalization" (2015); the formulas are those of
// torch.nn.BatchNorm2d.

// ChannelStats computes the mean and the biased variance (divided by rows, as
// the normalization uses it) of every channel of x [rows, c] into mean [c] and
// variance [c]. With no rows both are 0.
//
// It reads memory once. Each fixed piece of rows sums x-s and (x-s)², s being
// the mean of the piece's first rows; pieces are merged in float64. As s comes
// from the piece, the cancellation in its variance is bounded by the piece's
// length however far the mean is from zero.
func ChannelStats(x []float32, rows, c int, mean, variance []float32) {
	ground.Need("norm.ChannelStats", "x", len(x), rows*c)
	ground.Need("norm.ChannelStats", "mean", len(mean), c)
	ground.Need("norm.ChannelStats", "variance", len(variance), c)
	if rows <= 0 || c <= 0 {
		clear(mean)
		clear(variance)
		return
	}
	size := rowwise.Chunk(rows, c)
	n := rowwise.Pieces(rows, size)
	part := ground.GetScratch(n * 3 * c)
	defer ground.PutScratch(part)
	type args struct {
		x, part, mean, variance []float32
		n, rows, size, c        int
	}
	a := args{x, part, mean, variance, n, rows, size, c}
	parallel.ChunksWith(rows, size, a, func(a *args, lo, hi int) {
		c := a.c
		p := a.part[lo/a.size*3*c:][:3*c]
		pieceStats(a.x[lo*c:hi*c], hi-lo, c, p[:c], p[c:2*c], p[2*c:])
	})
	parallel.ChunksWith(c, rowwise.MergeBlock, a, func(a *args, lo, hi int) {
		mergeStats(a.part, a.n, a.rows, a.size, a.c, lo, hi, a.mean[lo:hi], a.variance[lo:hi])
	})
}

// statsShiftRows is how many rows give a piece its shift.
const statsShiftRows = 8

// pieceStats computes, per channel of x [rows, c], shift = the mean of the
// first rows, sum = the sum of x-shift and sq = the sum of (x-shift)².
func pieceStats(x []float32, rows, c int, shift, sum, sq []float32) {
	first := min(rows, statsShiftRows)
	clear(shift)
	elementwise.SumPiece(x[:first*c], first, c, shift)
	inv := 1 / float32(first)
	for i := range shift {
		shift[i] *= inv
	}
	clear(sum)
	clear(sq)
	stats(x, shift, rows, c, sum, sq)
}

func statsGo(x, shift []float32, rows, c int, sum, sq []float32) {
	shift, sum, sq = shift[:c], sum[:c], sq[:c]
	for r := range rows {
		for i, v := range x[r*c : (r+1)*c] {
			d := v - shift[i]
			sum[i] += d
			sq[i] += float32(d * d)
		}
	}
}

// mergeStats merges n pieces of size rows (the last shorter) for channels
// [lo,hi): the mean is the weighted mean of the pieces' means, and the sum of
// squared deviations that of the pieces plus their means' own (Chan, Golub and
// LeVeque, 1983).
func mergeStats(part []float32, n, rows, size, c, lo, hi int, mean, variance []float32) {
	var m, m2 [rowwise.MergeBlock]float64
	for i := range n {
		k := float64(min(rows, (i+1)*size) - i*size)
		p := part[i*3*c:]
		shift, sum := p[lo:hi], p[c+lo:c+hi]
		m := m[:len(shift)]
		for ch, s := range sum {
			m[ch] += float64(k*float64(shift[ch])) + float64(s)
		}
	}
	inv := 1 / float64(rows)
	for ch := range m {
		m[ch] *= inv
	}
	for i := range n {
		k := float64(min(rows, (i+1)*size) - i*size)
		invK := 1 / k
		p := part[i*3*c:]
		shift, sum, sq := p[lo:hi], p[c+lo:c+hi], p[2*c+lo:2*c+hi]
		m, m2 := m[:len(shift)], m2[:len(shift)]
		for ch, s := range sum {
			d := float64(float64(s) * invK) // the piece's mean, less shift
			dev := float64(shift[ch]) + d - m[ch]
			m2[ch] += float64(sq[ch]) - float64(d*float64(s)) + float64(k*dev*dev)
		}
	}
	for ch := range mean {
		mean[ch] = float32(m[ch])
		variance[ch] = max(0, float32(m2[ch]*inv))
	}
}
