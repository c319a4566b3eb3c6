package train

import (
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/rng"
)

// MixUp blends each picture of a batch with another one and trains on both
// labels (Zhang et al. 2017; fastai's MixUp, whose alpha is 0.4 by default).
// Each picture has its own weight, drawn from Beta(Alpha,Alpha) and taken at
// least 0.5, so that a picture never becomes its partner.
type MixUp struct {
	Alpha float64 // 0 means 0.4
	tmp   []float32
}

// On mixes at BeforeBatch.
func (m *MixUp) On(e Event, l *Learner) error {
	if e != BeforeBatch {
		return nil
	}
	alpha := m.Alpha
	if alpha == 0 {
		alpha = 0.4
	}
	r := l.random(streamMixup)
	x := l.Batch.X
	n := x.Shape[0]
	size := x.Len() / n
	perm := r.Perm(n)
	lambda := make([]float32, n)
	for i := range n {
		v := beta(r, alpha)
		lambda[i] = float32(math.Max(v, 1-v))
	}
	m.tmp = append(m.tmp[:0], x.Data...)
	parallel.For(n, func(i int) {
		a, b, w := m.tmp[i*size:(i+1)*size], m.tmp[perm[i]*size:(perm[i]+1)*size], lambda[i]
		dst := x.Data[i*size : (i+1)*size]
		for k := range dst {
			dst[k] = b[k] + float32(w*(a[k]-b[k]))
		}
	})
	l.Targets = l.Batch.Y.Mix(perm, lambda)
	return nil
}

// beta draws from Beta(a,a) as a ratio of two Gamma(a) draws.
func beta(r *rng.Stream, a float64) float64 {
	x, y := gamma(r, a), gamma(r, a)
	if x+y == 0 { // both underflowed, which happens for tiny a: the limit is 0 or 1
		if r.Bool(0.5) {
			return 0
		}
		return 1
	}
	return x / (x + y)
}

// gamma draws from Gamma(a,1) (Marsaglia and Tsang 2000).
func gamma(r *rng.Stream, a float64) float64 {
	if a < 1 {
		return gamma(r, a+1) * math.Pow(1-r.Float64(), 1/a)
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.Normal()
		v := 1 + float64(c*x)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < float64(0.5*x*x)+d-float64(d*v)+float64(d*math.Log(v)) {
			return d * v
		}
	}
}
