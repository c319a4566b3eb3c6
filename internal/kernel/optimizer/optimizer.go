package optimizer

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Adam is fastai's Adam (Kingma and Ba, 2015, with the decoupled decay of
// Loshchilov and Hutter, 2019) at one step, number t from 1. The constants are
// worked out in float64, the values in float32.
type Adam struct {
	LR, WD, Mom, SqrMom, Eps float64

	Debias1, Debias2 float64 // 1-Mom^t and 1-SqrMom^t
}

// Step makes the step on parameters p with gradient g and state avg, sqr, all of
// one length:
//
//	p   = p*(1 - LR*WD)
//	avg = Mom*avg + (1-Mom)*g
//	sqr = SqrMom*sqr + (1-SqrMom)*g*g
//	p   = p - LR/Debias1 * avg / (sqrt(sqr/Debias2) + Eps)
func (o Adam) Step(p, g, avg, sqr []float32) {
	const op = "optimizer.Adam.Step"
	ground.Need(op, "g", len(g), len(p))
	ground.Need(op, "avg", len(avg), len(p))
	ground.Need(op, "sqr", len(sqr), len(p))
	k := adamConstants{
		decay:  float32(1 - float64(o.LR*o.WD)),
		mom:    float32(o.Mom),
		damp:   float32(1 - o.Mom),
		sqrMom: float32(o.SqrMom),
		sqrInv: float32(1 - o.SqrMom),
		debias: float32(1 / o.Debias2),
		eps:    float32(o.Eps),
		step:   float32(-o.LR / o.Debias1),
	}
	type args struct {
		p, g, avg, sqr []float32
		k              adamConstants
	}
	parallel.ChunksWith(len(p), rowwise.FlatChunk, args{p, g, avg, sqr, k}, func(a *args, lo, hi int) {
		adam(a.p[lo:hi], a.g[lo:hi], a.avg[lo:hi], a.sqr[lo:hi], &a.k)
	})
}

// adamConstants are Adam's, as the kernels read them. adam puts them in
// the order in which the assembly has them.
type adamConstants struct {
	decay, mom, damp, sqrMom, sqrInv, debias, eps, step float32
}

func adam(p, g, avg, sqr []float32, k *adamConstants) {
	rowwise.Flat(table.Active().Adam, len(p), [8]float32{k.decay, k.mom, k.damp, k.sqrMom, k.sqrInv, k.debias, k.eps, k.step}, p, g, avg, sqr)
}

func adamGo(p, g, avg, sqr []float32, k *adamConstants) {
	g, avg, sqr = g[:len(p)], avg[:len(p)], sqr[:len(p)]
	for i, d := range g {
		m := float32(k.mom*avg[i]) + float32(k.damp*d)
		v := float32(k.sqrMom*sqr[i]) + float32(k.sqrInv*(d*d))
		avg[i], sqr[i] = m, v
		root := float32(math.Sqrt(float64(v * k.debias)))
		p[i] = float32(p[i]*k.decay) + float32(k.step*(m/(root+k.eps)))
	}
}

// SGD is fastai's SGD.
type SGD struct{ LR, WD, Mom float64 }

// Step makes one step on parameters p with gradient g and momentum state avg,
// all of one length:
//
//	avg = Mom*avg + g
//	p   = p*(1 - LR*WD) - LR*avg
//
// With Mom 0 the step is plain gradient descent; avg is then left alone and may
// be nil.
func (o SGD) Step(p, g, avg []float32) {
	const op = "optimizer.SGD.Step"
	ground.Need(op, "g", len(g), len(p))
	if o.Mom != 0 {
		ground.Need(op, "avg", len(avg), len(p))
	}
	type args struct {
		p, g, avg        []float32
		decay, mom, step float32
	}
	a := args{p, g, avg, float32(1 - float64(o.LR*o.WD)), float32(o.Mom), float32(-o.LR)}
	parallel.ChunksWith(len(p), rowwise.FlatChunk, a, func(a *args, lo, hi int) {
		p, g := a.p[lo:hi], a.g[lo:hi]
		v := g
		if a.mom != 0 {
			v = a.avg[lo:hi]
			scaleAdd(a.mom, v, 1, g)
		}
		scaleAdd(a.decay, p, a.step, v)
	})
}

func scaleAdd(a float32, y []float32, b float32, x []float32) {
	rowwise.Flat(table.Active().ScaleAdd, len(x), [8]float32{a, b}, y, x)
}

// scaleAddGo computes y = a*y + b*x.
func scaleAddGo(a float32, y []float32, b float32, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = float32(a*y[i]) + float32(b*v)
	}
}
