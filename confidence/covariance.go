package confidence

import (
	"errors"
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// ledoitWolf returns the covariance of x [n,f], whose mean is 0, shrunk towards the
// identity times the mean variance: (1-s)·S + s·m·I, with the s that Ledoit and Wolf 2004, "A Well-Conditioned
// Estimator for Large-Dimensional Covariance Matrices", derive. It is scikit-learn's
// LedoitWolf(assume_centered=True). The result is a lower triangle, row by row.
func ledoitWolf(x []float64, n, f int) ([]float64, error) {
	cov := make([]float64, f*(f+1)/2)
	parallel.For(f, func(r int) {
		row := cov[r*(r+1)/2 : (r+1)*(r+2)/2]
		for i := range n {
			v := x[i*f : i*f+r+1]
			a := v[r]
			if a == 0 {
				continue
			}
			for k, b := range v {
				row[k] += float64(a * b)
			}
		}
		for k := range row {
			row[k] /= float64(n)
		}
	})
	var trace, squares float64
	for r := range f {
		row := cov[r*(r+1)/2 : (r+1)*(r+2)/2]
		for _, v := range row[:r] {
			squares += float64(2 * v * v)
		}
		squares += float64(row[r] * row[r])
		trace += row[r]
	}
	mean := trace / float64(f)
	if mean == 0 {
		return nil, errors.New("confidence: the features of all training pictures of a class are the same: there is no distance")
	}
	// beta is the sum over pictures of |x·xᵀ - S|², over n²; delta is |S - m·I|².
	var beta float64
	for i := range n {
		var square float64
		for _, v := range x[i*f : (i+1)*f] {
			square += float64(v * v)
		}
		beta += float64(square * square)
	}
	beta = (beta/float64(n) - squares) / float64(n)
	delta := squares - float64(2*mean*trace) + float64(float64(f)*mean*mean)
	shrink := 0.0
	if beta = min(beta, delta); beta > 0 {
		shrink = beta / delta
	}
	for r := range f {
		row := cov[r*(r+1)/2 : (r+1)*(r+2)/2]
		for k := range row {
			row[k] *= 1 - shrink
		}
		row[r] += float64(shrink * mean)
	}
	return cov, nil
}

// inverseFactor returns the inverse of the Cholesky factor of a covariance, both lower
// triangles of f rows: it makes the covariance the identity.
func inverseFactor(cov []float64, f int) ([]float64, error) {
	l := append([]float64(nil), cov...)
	at := func(r int) []float64 { return l[r*(r+1)/2 : (r+1)*(r+2)/2] }
	for r := range f {
		row := at(r)
		for c := range r {
			other := at(c)
			sum := row[c]
			for k, v := range other[:c] {
				sum -= float64(row[k] * v)
			}
			row[c] = sum / other[c]
		}
		sum := row[r]
		for _, v := range row[:r] {
			sum -= float64(v * v)
		}
		if !(sum > 0) {
			return nil, errors.New("confidence: the covariance of the features has no inverse: more training pictures are needed")
		}
		row[r] = math.Sqrt(sum)
	}
	inverse := make([]float64, len(l))
	for r := range f {
		row, out := at(r), inverse[r*(r+1)/2:(r+1)*(r+2)/2]
		for k, v := range row[:r] {
			for c, w := range inverse[k*(k+1)/2 : (k+1)*(k+2)/2] {
				out[c] -= float64(v * w)
			}
		}
		for c := range out[:r] {
			out[c] /= row[r]
		}
		out[r] = 1 / row[r]
	}
	return inverse, nil
}
