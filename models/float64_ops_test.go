package models

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// The operations of the float64 network (float64_net_test.go), written as their
// definitions, forward and backward side by side. Layouts are those of package
// cpu: activations [N,H,W,C], filters [KH,KW,C,K].

// axpy64 is y += a*x.
func axpy64(a float64, x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * v
	}
}

// conv64 returns y [N,OH,OW,K], the convolution of x with w.
func conv64(c conv.Conv, x, w []float64) []float64 {
	oh, ow := c.Out()
	y := make([]float64, c.N*oh*ow*c.K)
	parallel.For(c.N*oh, func(row int) {
		n, i := row/oh, row%oh
		for j := range ow {
			acc := y[(row*ow+j)*c.K:][:c.K]
			for a := range c.KH {
				for b := range c.KW {
					h, q := i*c.Stride-c.Pad+a, j*c.Stride-c.Pad+b
					if h < 0 || h >= c.H || q < 0 || q >= c.W {
						continue
					}
					for k, v := range x[((n*c.H+h)*c.W+q)*c.C:][:c.C] {
						if v != 0 {
							axpy64(v, w[((a*c.KW+b)*c.C+k)*c.K:][:c.K], acc)
						}
					}
				}
			}
		}
	})
	return y
}

// conv64Data returns dx [N,H,W,C].
func conv64Data(c conv.Conv, dy, w []float64) []float64 {
	oh, ow := c.Out()
	turned := make([]float64, len(w)) // [KH,KW,K,C]
	for ab := range c.KH * c.KW {
		for i := range c.C {
			for k := range c.K {
				turned[(ab*c.K+k)*c.C+i] = w[(ab*c.C+i)*c.K+k]
			}
		}
	}
	dx := make([]float64, c.N*c.H*c.W*c.C)
	parallel.For(c.N*c.H, func(row int) {
		n, h := row/c.H, row%c.H
		for q := range c.W {
			acc := dx[(row*c.W+q)*c.C:][:c.C]
			for a := range c.KH {
				for b := range c.KW {
					i, j := h+c.Pad-a, q+c.Pad-b
					if i < 0 || j < 0 || i%c.Stride != 0 || j%c.Stride != 0 || i/c.Stride >= oh || j/c.Stride >= ow {
						continue
					}
					for k, v := range dy[((n*oh+i/c.Stride)*ow+j/c.Stride)*c.K:][:c.K] {
						if v != 0 {
							axpy64(v, turned[((a*c.KW+b)*c.K+k)*c.C:][:c.C], acc)
						}
					}
				}
			}
		}
	})
	return dx
}

// conv64Weights returns dw [KH,KW,C,K].
func conv64Weights(c conv.Conv, x, dy []float64) []float64 {
	oh, ow := c.Out()
	dw := make([]float64, c.KH*c.KW*c.C*c.K)
	const block = 16 // channels of x in a piece of work
	blocks := (c.C + block - 1) / block
	parallel.For(c.KH*c.KW*blocks, func(p int) {
		ab, lo := p/blocks, p%blocks*block
		hi := min(lo+block, c.C)
		a, b := ab/c.KW, ab%c.KW
		for at := range c.N * oh * ow {
			n, i, j := at/(oh*ow), at/ow%oh, at%ow
			h, q := i*c.Stride-c.Pad+a, j*c.Stride-c.Pad+b
			if h < 0 || h >= c.H || q < 0 || q >= c.W {
				continue
			}
			src := x[((n*c.H+h)*c.W+q)*c.C:][:c.C]
			for k := lo; k < hi; k++ {
				if v := src[k]; v != 0 {
					axpy64(v, dy[at*c.K:][:c.K], dw[(ab*c.C+k)*c.K:])
				}
			}
		}
	})
	return dw
}

// norm64 is what batch norm keeps of a forward pass, by channel.
type norm64 struct{ mean, variance, inv []float64 }

// batchNorm64 normalizes x [rows,C] by its own (biased) statistics, or by s
// where that is given, and returns what it used.
func batchNorm64(x, gamma, beta []float64, eps float64, s *norm64) ([]float64, norm64) {
	c := len(gamma)
	rows := len(x) / c
	if s == nil {
		s = &norm64{mean: make([]float64, c), variance: make([]float64, c)}
		for i, v := range x {
			s.mean[i%c] += v / float64(rows)
		}
		for i, v := range x {
			d := v - s.mean[i%c]
			s.variance[i%c] += d * d / float64(rows)
		}
	}
	s.inv = make([]float64, c)
	for k, v := range s.variance {
		s.inv[k] = 1 / math.Sqrt(v+eps)
	}
	y := make([]float64, len(x))
	for i, v := range x {
		k := i % c
		y[i] = (v-s.mean[k])*s.inv[k]*gamma[k] + beta[k]
	}
	return y, *s
}

// batchNorm64Grad returns the gradients of a batch norm with the batch's
// statistics: of x, of the scale and of the shift.
func batchNorm64Grad(x, dy, gamma []float64, s norm64) (dx, dgamma, dbeta []float64) {
	c := len(gamma)
	rows := float64(len(x) / c)
	dgamma, dbeta = make([]float64, c), make([]float64, c)
	for i, g := range dy {
		k := i % c
		dbeta[k] += g
		dgamma[k] += g * (x[i] - s.mean[k]) * s.inv[k]
	}
	dx = make([]float64, len(x))
	for i, g := range dy {
		k := i % c
		hat := (x[i] - s.mean[k]) * s.inv[k]
		dx[i] = gamma[k] * s.inv[k] * (g - dbeta[k]/rows - hat*dgamma[k]/rows)
	}
	return dx, dgamma, dbeta
}

// maxPool64 returns the maxima of windows of x [n,h,w,c] and where each came
// from, the first of equals; and the least distance of a positive maximum from
// the next value of its window: after a ReLU a maximum of 0 passes no gradient
// on, whichever 0 is chosen.
func maxPool64(x []float64, n, h, w, c, k, stride, pad int, ceil bool) (y []float64, from []int, gap float64) {
	oh, ow := pool.Out(h, k, stride, pad, ceil), pool.Out(w, k, stride, pad, ceil)
	y, from, gap = make([]float64, n*oh*ow*c), make([]int, n*oh*ow*c), math.Inf(1)
	for o := range y {
		ch, j, i, img := o%c, o/c%ow, o/c/ow%oh, o/c/ow/oh
		best, second := math.Inf(-1), math.Inf(-1)
		for a := range k {
			for b := range k {
				p, q := i*stride-pad+a, j*stride-pad+b
				if p < 0 || p >= h || q < 0 || q >= w {
					continue
				}
				at := ((img*h+p)*w+q)*c + ch
				switch v := x[at]; {
				case v > best:
					best, second, from[o] = v, best, at
				case v > second:
					second = v
				}
			}
		}
		if y[o] = best; best > 0 {
			gap = min(gap, best-second)
		}
	}
	return y, from, gap
}
