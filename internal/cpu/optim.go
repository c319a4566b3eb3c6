package cpu

import (
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds the optimizers' steps: one pass over parameters, gradients
// and state. They are fastai's, with decoupled weight decay.

// AdamStep makes one step of fastai's Adam (Kingma and Ba, 2015, with the
// decoupled decay of Loshchilov and Hutter, 2019) on parameters p with gradient
// g and state avg, sqr, all of one length:
//
//	p   = p*(1 - lr*wd)
//	avg = mom*avg + (1-mom)*g
//	sqr = sqrMom*sqr + (1-sqrMom)*g*g
//	p   = p - lr/debias1 * avg / (sqrt(sqr/debias2) + eps)
//
// debias1 is 1-mom^t and debias2 is 1-sqrMom^t for step t from 1, with the
// momentum of this step. The constants are worked out in float64, the values
// in float32.
func AdamStep(p, g, avg, sqr []float32, lr, wd, mom, sqrMom, eps, debias1, debias2 float64) {
	need("AdamStep", "g", len(g), len(p))
	need("AdamStep", "avg", len(avg), len(p))
	need("AdamStep", "sqr", len(sqr), len(p))
	k := adamConstants{
		decay:  float32(1 - lr*wd),
		mom:    float32(mom),
		damp:   float32(1 - mom),
		sqrMom: float32(sqrMom),
		sqrInv: float32(1 - sqrMom),
		debias: float32(1 / debias2),
		eps:    float32(eps),
		step:   float32(-lr / debias1),
	}
	type args struct {
		p, g, avg, sqr []float32
		k              adamConstants
	}
	parallel.ChunksWith(len(p), flatChunk, args{p, g, avg, sqr, k}, func(a *args, lo, hi int) {
		adam(a.p[lo:hi], a.g[lo:hi], a.avg[lo:hi], a.sqr[lo:hi], &a.k)
	})
}

// adamConstants are AdamStep's, as the kernels read them. adam puts them in
// the order in which the assembly has them.
type adamConstants struct {
	decay, mom, damp, sqrMom, sqrInv, debias, eps, step float32
}

func adamGo(p, g, avg, sqr []float32, k *adamConstants) {
	g, avg, sqr = g[:len(p)], avg[:len(p)], sqr[:len(p)]
	for i, d := range g {
		m := k.mom*avg[i] + k.damp*d
		v := k.sqrMom*sqr[i] + k.sqrInv*(d*d)
		avg[i], sqr[i] = m, v
		root := float32(math.Sqrt(float64(v * k.debias)))
		p[i] = p[i]*k.decay + k.step*(m/(root+k.eps))
	}
}

// SGDStep makes one step of fastai's SGD on parameters p with gradient g and
// momentum state avg, all of one length:
//
//	avg = mom*avg + g
//	p   = p*(1 - lr*wd) - lr*avg
//
// With mom 0 the step is plain gradient descent; avg is then left alone and may
// be nil.
func SGDStep(p, g, avg []float32, lr, wd, mom float64) {
	need("SGDStep", "g", len(g), len(p))
	if mom != 0 {
		need("SGDStep", "avg", len(avg), len(p))
	}
	type args struct {
		p, g, avg        []float32
		decay, mom, step float32
	}
	a := args{p, g, avg, float32(1 - lr*wd), float32(mom), float32(-lr)}
	parallel.ChunksWith(len(p), flatChunk, a, func(a *args, lo, hi int) {
		p, g := a.p[lo:hi], a.g[lo:hi]
		v := g
		if a.mom != 0 {
			v = a.avg[lo:hi]
			scaleAdd(a.mom, v, 1, g)
		}
		scaleAdd(a.decay, p, a.step, v)
	})
}

// scaleAddGo computes y = a*y + b*x.
func scaleAddGo(a float32, y []float32, b float32, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = a*y[i] + b*v
	}
}
