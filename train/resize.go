package train

import (
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/tensor"
)

// This file brings a batch's pictures to the size and the normalization of another network.

// resizer resizes pictures of one size to another, bilinear, with antialiasing where they become smaller: PyTorch's
// interpolate(mode="bilinear", antialias=True).
type resizer struct {
	from       [2]int // height and width
	rows, cols []window
}

// window is what a pixel of the result is made of, along one side: weights of the pixels from first on.
type window struct {
	first   int
	weights []float32
}

func newResizer(h, w, toH, toW int) *resizer {
	return &resizer{from: [2]int{h, w}, rows: windows(h, toH), cols: windows(w, toW)}
}

// windows are those of a side: a triangle as wide as two pixels of the coarser of both.
func windows(from, to int) []window {
	scale := float64(from) / float64(to)
	reach := max(scale, 1)
	all := make([]window, to)
	for i := range all {
		center := float64((float64(i) + 0.5) * scale)
		first, end := max(int(center-reach+0.5), 0), min(int(center+reach+0.5), from)
		values, sum := make([]float64, end-first), 0.0
		for k := range values {
			distance := (float64(first+k) + 0.5 - center) / reach
			values[k] = max(0, 1-max(distance, -distance))
			sum += values[k]
		}
		all[i] = window{first, make([]float32, len(values))}
		for k, v := range values {
			all[i].weights[k] = float32(v / sum)
		}
	}
	return all
}

// apply resizes x [N,H,W,C] to y [N,H',W',C].
func (r *resizer) apply(y, x *tensor.Tensor) {
	n, h, w, c := x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3)
	toH, toW := len(r.rows), len(r.cols)
	parallel.For(n*toH, func(row int) {
		i, at := row/toH, r.rows[row%toH]
		out := y.Data[row*toW*c : (row+1)*toW*c]
		for j, to := range r.cols {
			for k := range c {
				var sum float32
				for dy, a := range at.weights {
					line := x.Data[((i*h+at.first+dy)*w+to.first)*c+k:]
					var part float32
					for dx, b := range to.weights {
						part += float32(b * line[dx*c])
					}
					sum += float32(a * part)
				}
				out[j*c+k] = sum
			}
		}
	})
}

// renormalize writes x, normalized by own, to y as its normalize it. y may be x.
func renormalize(y, x *tensor.Tensor, own, its preprocess.Stats) {
	c := x.Dim(3)
	var a, b [3]float32
	for k := range a {
		a[k] = own.Std[k] / its.Std[k]
		b[k] = (own.Mean[k] - its.Mean[k]) / its.Std[k]
	}
	each := x.Len() / x.Dim(0)
	parallel.For(x.Dim(0), func(i int) {
		from, to := x.Data[i*each:(i+1)*each], y.Data[i*each:(i+1)*each]
		for p := 0; p+c <= each; p += c {
			for k := range c {
				to[p+k] = float32(a[k%3]*from[p+k]) + b[k%3]
			}
		}
	})
}
