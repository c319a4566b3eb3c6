package optim

import (
	"math"

	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// GradNorm returns the Euclidean norm of the gradients of all parameters together.
// Squares are added in float64, in an order that does not depend on the number of
// threads.
func GradNorm(groups [][]*Param) float64 {
	sum := 0.0
	for _, params := range groups {
		for _, p := range params {
			sum += sumSquares(p.Grad)
		}
	}
	return math.Sqrt(sum)
}

// ClipGradNorm scales all gradients by one factor, so that their norm is at most
// limit, and returns the norm that they had: torch.nn.utils.clip_grad_norm_, which
// divides by the norm plus 1e-6. Gradients of a smaller norm stay as they are, and
// so do those whose norm is not finite, which no factor makes good.
func ClipGradNorm(groups [][]*Param, limit float64) (norm float64) {
	norm = GradNorm(groups)
	factor := limit / (norm + 1e-6)
	if !(factor < 1) || math.IsInf(norm, 0) {
		return norm
	}
	for _, params := range groups {
		for _, p := range params {
			scale(p.Grad, float32(factor))
		}
	}
	return norm
}

// partials are sums of pieces of an array.
type partials struct{ sums []float64 }

var partialsPool mem.Pool[partials]

// sumSquares returns the sum of the squares of x, piece by piece.
func sumSquares(x []float32) float64 {
	p := partialsPool.Get()
	defer partialsPool.Put(p)
	n := (len(x) + chunk - 1) / chunk
	if cap(p.sums) < n {
		p.sums = make([]float64, n)
	}
	p.sums = p.sums[:n]
	type args struct {
		x    []float32
		sums []float64
	}
	parallel.ChunksWith(len(x), chunk, args{x, p.sums}, func(a *args, lo, hi int) {
		var s [4]float64 // four chains of additions, which overlap
		x := a.x[lo:hi]
		for ; len(x) >= 4; x = x[4:] {
			for k := range s {
				v := float64(x[k])
				s[k] += float64(v * v)
			}
		}
		for _, v := range x {
			s[0] += float64(float64(v) * float64(v))
		}
		a.sums[lo/chunk] = (s[0] + s[1]) + (s[2] + s[3])
	})
	total := 0.0
	for _, s := range p.sums {
		total += s
	}
	return total
}

// scale multiplies x by a factor.
func scale(x []float32, factor float32) {
	type args struct {
		x      []float32
		factor float32
	}
	parallel.ChunksWith(len(x), chunk, args{x, factor}, func(a *args, lo, hi int) {
		x := a.x[lo:hi]
		for i, v := range x {
			x[i] = v * a.factor
		}
	})
}
