package optim

import (
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// chunk is how many elements one piece of a parallel update has. Updates are
// element by element, so the cut does not show in the result.
const chunk = 1 << 15

// adamKernel is one Adam step on a tensor: p *= 1-lr*wd; avg = mom*avg +
// (1-mom)*g; sqr = sqrMom*sqr + (1-sqrMom)*g*g; p -= lr/debias1 * avg /
// (sqrt(sqr/debias2)+eps).
func adamKernel(p, g, avg, sqr []float32, lr, wd, mom, sqrMom, eps, debias1, debias2 float64) {
	decay := float32(1 - lr*wd)
	m, m1 := float32(mom), float32(1-mom)
	s, s1 := float32(sqrMom), float32(1-sqrMom)
	rate, e := float32(lr/debias1), float32(eps)
	inv := float32(1 / debias2)
	parallel.Chunks(len(p), chunk, func(lo, hi int) {
		p, g, avg, sqr := p[lo:hi], g[lo:hi], avg[lo:hi], sqr[lo:hi]
		for i, gi := range g {
			a := m*avg[i] + m1*gi
			v := s*sqr[i] + s1*gi*gi
			avg[i], sqr[i] = a, v
			p[i] = p[i]*decay - rate*a/(sqrt(v*inv)+e)
		}
	})
}

// sgdKernel is one SGD step: avg = mom*avg + g; p *= 1-lr*wd; p -= lr*avg. avg
// is nil for SGD without momentum, which steps by g itself.
func sgdKernel(p, g, avg []float32, lr, wd, mom float64) {
	decay, m, rate := float32(1-lr*wd), float32(mom), float32(lr)
	parallel.Chunks(len(p), chunk, func(lo, hi int) {
		p, g := p[lo:hi], g[lo:hi]
		if avg == nil {
			for i, gi := range g {
				p[i] = p[i]*decay - rate*gi
			}
			return
		}
		avg := avg[lo:hi]
		for i, gi := range g {
			a := m*avg[i] + gi
			avg[i] = a
			p[i] = p[i]*decay - rate*a
		}
	})
}

// addL2 adds wd*p to the gradient: weight decay as a penalty on the loss
// (fastai's l2_reg) in place of decoupled decay.
func addL2(g, p []float32, wd float64) {
	if wd == 0 {
		return
	}
	w := float32(wd)
	parallel.Chunks(len(p), chunk, func(lo, hi int) {
		g, p := g[lo:hi], p[lo:hi]
		for i, v := range p {
			g[i] += w * v
		}
	})
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
