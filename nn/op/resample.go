package op

import (
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// resampling takes values on a grid to a grid of another size, as torch's
// interpolate does with mode "bicubic" and antialias: rows and columns apart, each
// new value a sum of old ones, of which the weights make 1.
type resampling struct {
	rows, cols []float32 // [new,old] each
	from, to   [2]int    // rows and columns of the grids
}

// newResampling returns what takes a grid of the size from to one of the size to.
func newResampling(from, to [2]int) *resampling {
	return &resampling{cubicWeights(from[0], to[0]), cubicWeights(from[1], to[1]), from, to}
}

// cubicWeights returns the weights [to,from] along one side. The filter is Keys's
// cubic (1981) with a = -1/2, made wider where the side shrinks.
func cubicWeights(from, to int) []float32 {
	w := make([]float32, to*from)
	scale := float64(from) / float64(to)
	wide := math.Max(scale, 1)
	for i := range to {
		center := float64((float64(i) + 0.5) * scale)
		lo, hi := max(0, int(center-float64(2*wide)+0.5)), min(from, int(center+float64(2*wide)+0.5))
		sum := 0.0
		for k := lo; k < hi; k++ {
			sum += cubic((float64(k) - center + 0.5) / wide)
		}
		for k := lo; k < hi; k++ {
			w[i*from+k] = float32(cubic((float64(k)-center+0.5)/wide) / sum)
		}
	}
	return w
}

func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64((float64((a+2)*x)-(a+3))*x*x) + 1
	case x < 2:
		return a * (float64((float64((x-5)*x)+8)*x) - 4)
	}
	return 0
}

// forward computes y [to,C] from x [from,C]; tmp has room for [from[0],to[1],C].
func (r *resampling) forward(x, y, tmp []float32, c int) {
	each(r.from[0], resampleArgs{r.cols, tmp, x, r.to[1], r.from[1], c, c, r.to[1] * c, r.from[1] * c, false})
	each(r.to[1], resampleArgs{r.rows, y, tmp, r.to[0], r.from[0], c, r.to[1] * c, c, c, false})
}

// backward computes dx [from,C] from dy [to,C]; tmp is as above.
func (r *resampling) backward(dy, dx, tmp []float32, c int) {
	each(r.to[1], resampleArgs{r.rows, tmp, dy, r.from[0], r.to[0], c, r.to[1] * c, c, c, true})
	each(r.from[0], resampleArgs{r.cols, dx, tmp, r.from[1], r.to[1], c, c, r.from[1] * c, r.to[1] * c, true})
}

// resampleArgs says how lines of values, each c channels, become others of outs
// places: line l begins at dst[l*dstLine] and src[l*srcLine], its values are step
// floats apart. The weights are [outs,ins], or with transposed [ins,outs].
type resampleArgs struct {
	weights, dst, src  []float32
	outs, ins, c, step int
	dstLine, srcLine   int
	transposed         bool
}

func each(lines int, a resampleArgs) {
	parallel.ForWith(lines, a, func(a *resampleArgs, l int) {
		for o := range a.outs {
			d := a.dst[l*a.dstLine+o*a.step:][:a.c]
			clear(d)
			for i := range a.ins {
				at := o*a.ins + i
				if a.transposed {
					at = i*a.outs + o
				}
				w := a.weights[at]
				if w == 0 {
					continue
				}
				for k, v := range a.src[l*a.srcLine+i*a.step:][:a.c] {
					d[k] += float32(w * v)
				}
			}
		}
	})
}

// matrix returns the resampling as one matrix, [to places, from places].
func (r *resampling) matrix() []float32 {
	m := make([]float32, r.to[0]*r.to[1]*r.from[0]*r.from[1])
	for i := range m {
		from, to := i%(r.from[0]*r.from[1]), i/(r.from[0]*r.from[1])
		m[i] = r.rows[to/r.to[1]*r.from[0]+from/r.from[1]] * r.cols[to%r.to[1]*r.from[1]+from%r.from[1]]
	}
	return m
}
