package norm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// ScaleMaps is the geometry of a product of maps x [N, HW, C] and factors
// [N, C], one for each picture and channel.
type ScaleMaps struct{ N, HW, C int }

// scaleRun is a product under way, or its gradient.
type scaleRun struct {
	ScaleMaps
	x, y, s, zeros []float32
	size           int
}

// rows returns the number of pixels in a piece, which depends on the shape alone.
func (m ScaleMaps) rows() int { return min(max(1, m.HW), rowwise.Chunk(m.HW, m.C)) }

// Forward computes y [N,HW,C] = x [N,HW,C] * s [N,C]. y may be x.
func (m ScaleMaps) Forward(x, s, y []float32) {
	const op = "norm.ScaleMaps.Forward"
	ground.Need(op, "x", len(x), m.N*m.HW*m.C)
	ground.Need(op, "s", len(s), m.N*m.C)
	ground.Need(op, "y", len(y), m.N*m.HW*m.C)
	if len(x) == 0 {
		return
	}
	zeros := ground.GetScratch(m.C)
	defer ground.PutScratch(zeros)
	clear(zeros)
	size := m.rows()
	parallel.ForWith(m.N*ground.CeilDiv(m.HW, size), scaleRun{m, x, y, s, zeros, size}, func(a *scaleRun, i int) {
		n, lo, hi := a.piece(i)
		scaleShift(a.x[lo:hi], a.s[n*a.C:][:a.C], a.zeros, nil, a.y[lo:hi], (hi-lo)/a.C, a.C, false, false)
	})
}

// piece returns the picture of piece i and its values.
func (a *scaleRun) piece(i int) (n, lo, hi int) {
	pieces := ground.CeilDiv(a.HW, a.size)
	n = i / pieces
	first := i % pieces * a.size
	at := n * a.HW
	return n, (at + first) * a.C, (at + min(a.HW, first+a.size)) * a.C
}

// BackwardFactors computes ds [N,C], the gradient of the factors, from x and
// dy [N,HW,C]. ds is overwritten.
func (m ScaleMaps) BackwardFactors(x, dy, ds []float32) {
	const op = "norm.ScaleMaps.BackwardFactors"
	ground.Need(op, "x", len(x), m.N*m.HW*m.C)
	ground.Need(op, "dy", len(dy), m.N*m.HW*m.C)
	ground.Need(op, "ds", len(ds), m.N*m.C)
	zeros := ground.GetScratch(m.C)
	defer ground.PutScratch(zeros)
	clear(zeros)
	parallel.ForWith(m.N, scaleRun{m, x, dy, ds, zeros, 0}, func(a *scaleRun, n int) {
		c := a.C
		sums, plain := a.s[n*c:][:c], ground.GetScratch(c)
		defer ground.PutScratch(plain)
		clear(sums)
		clear(plain)
		lo, hi := n*a.HW*c, (n+1)*a.HW*c
		// The sums of batch normalization, around a mean of 0.
		bnReduce(a.y[lo:hi], a.x[lo:hi], a.zeros, Mask{}, a.HW, c, plain, sums)
	})
}
