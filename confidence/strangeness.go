package confidence

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/tensor"
)

// Strangeness measures how far a picture is from those that a classifier was trained on, by
// the features that the classifier's body has of them: the Mahalanobis distance to the nearest
// class, with one covariance for all classes (Lee et al. 2018, "A Simple Unified Framework
// for Detecting Out-of-Distribution Samples"). Features are scaled to length 1 first,
// since their length says little of what a picture shows (Mueller and Hein 2025,
// "Mahalanobis++").
type Strangeness struct {
	// Means has the mean of each class's features, and Whitening the lower triangle, row by
	// row, of the matrix that makes the covariance the identity: the distance is the Euclidean one after both
	// sides are multiplied by it. Means are multiplied already: [Classes,Features].
	Means, Whitening  []float32 `json:"-"`
	Classes, Features int       `json:"-"`

	// Limit is the distance above which a picture is a strange one, 0 for none. It is
	// the Quantile of the distances of so many Pictures, which did not train the classifier.
	Limit    float64 `json:"limit"`
	Quantile float64 `json:"quantile,omitempty"`
	Pictures int     `json:"pictures,omitempty"`
}

// SetLimit sets the limit to the quantile, in (0,1], of the distances of pictures with these
// features [N,F]: so many of them are not strange. Take pictures that did not train the classifier, whose
// features are nearer to themselves than others' are.
func (s *Strangeness) SetLimit(features *tensor.Tensor, quantile float64) error {
	if !(quantile > 0 && quantile <= 1) {
		return fmt.Errorf("confidence: a quantile of %v: want more than 0, and 1 at most", quantile)
	}
	if len(features.Shape) != 2 || features.Shape[1] != s.Features || features.Shape[0] < 1 {
		return fmt.Errorf("confidence: features of shape %v to set a limit by; want [N,%d] of one picture at least", features.Shape, s.Features)
	}
	all := make([]float64, features.Shape[0])
	for i := range all {
		all[i] = s.Distance(features.Data[i*s.Features : (i+1)*s.Features])
	}
	slices.Sort(all)
	s.Limit, s.Quantile, s.Pictures = all[int(math.Ceil(quantile*float64(len(all))))-1], quantile, len(all)
	return s.Check()
}

// Check returns an error for a Strangeness whose parts do not fit each other.
func (s *Strangeness) Check() error {
	switch {
	case s.Classes < 1 || s.Features < 1 || len(s.Means) != s.Classes*s.Features || len(s.Whitening) != s.Features*(s.Features+1)/2:
		return fmt.Errorf("confidence: the strangeness has %d means and a matrix of %d values, for %d classes and %d features", len(s.Means), len(s.Whitening), s.Classes, s.Features)
	case !(s.Limit >= 0) || math.IsInf(s.Limit, 0):
		return fmt.Errorf("confidence: the limit of strangeness is %v: it must be a finite number from 0 on", s.Limit)
	}
	for _, v := range s.Whitening {
		if v-v != 0 {
			return errors.New("confidence: the matrix of the strangeness is not finite")
		}
	}
	for _, v := range s.Means {
		if v-v != 0 {
			return errors.New("confidence: the means of the strangeness are not finite")
		}
	}
	return nil
}

// FitStrangeness fits a Strangeness to features [N,F] of training pictures without
// augmentation and their classes, in [0,classes). The covariance is shrunk towards a multiple of the
// identity as Ledoit and Wolf (2004) found to be best, so that fewer pictures than
// features are enough. A class without pictures is never the nearest.
func FitStrangeness(features *tensor.Tensor, class []int, classes int) (*Strangeness, error) {
	if len(features.Shape) != 2 || features.Shape[0] != len(class) || len(features.Data) != features.Shape[0]*features.Shape[1] {
		return nil, fmt.Errorf("confidence: features of shape %v for %d classes of pictures: want [N,features] and N classes", features.Shape, len(class))
	}
	n, f := features.Shape[0], features.Shape[1]
	if n < 2 || f < 1 {
		return nil, errors.New("confidence: the strangeness of pictures needs the features of two training pictures at least")
	}
	x := make([]float64, n*f)
	for i := range n {
		if err := unit(x[i*f:(i+1)*f], features.Data[i*f:(i+1)*f]); err != nil {
			return nil, fmt.Errorf("confidence: training picture %d: %w", i, err)
		}
	}
	means, counts := make([]float64, classes*f), make([]int, classes)
	for i, c := range class {
		if c < 0 || c >= classes {
			return nil, fmt.Errorf("confidence: training picture %d has class %d of %d", i, c, classes)
		}
		counts[c]++
		for k := range f {
			means[c*f+k] += x[i*f+k]
		}
	}
	for c, count := range counts {
		for k := range f {
			means[c*f+k] /= float64(max(count, 1))
		}
	}
	for i, c := range class {
		for k := range f {
			x[i*f+k] -= means[c*f+k]
		}
	}
	cov, err := ledoitWolf(x, n, f)
	if err != nil {
		return nil, err
	}
	whitening, err := inverseFactor(cov, f)
	if err != nil {
		return nil, err
	}
	s := &Strangeness{Means: make([]float32, classes*f), Whitening: make([]float32, len(whitening)), Classes: classes, Features: f}
	for i, v := range whitening {
		s.Whitening[i] = float32(v)
	}
	row := make([]float64, f)
	for c, count := range counts {
		multiply(row, whitening, means[c*f:(c+1)*f])
		for k, v := range row {
			s.Means[c*f+k] = float32(v)
			if count == 0 {
				s.Means[c*f+k] = math.MaxFloat32
			}
		}
	}
	return s, nil
}

// unit writes v, divided by its length, to dst.
func unit(dst []float64, v []float32) error {
	var sum float64
	for _, a := range v {
		sum += float64(float64(a) * float64(a))
	}
	if sum-sum != 0 {
		return errors.New("its features are not finite (training diverged)")
	}
	length := math.Sqrt(sum)
	if length == 0 {
		length = 1
	}
	for k, a := range v {
		dst[k] = float64(a) / length
	}
	return nil
}

// multiply writes the product of a lower triangle and v to dst.
func multiply[T float32 | float64](dst []float64, triangle []T, v []float64) {
	at := 0
	for r := range dst {
		var sum float64
		for k, w := range triangle[at : at+r+1] {
			sum += float64(float64(w) * v[k])
		}
		dst[r] = sum
		at += r + 1
	}
}

// Distance returns the distance of a picture with these features to the nearest class, 0 and up, in
// standard deviations of the training pictures. Features that are not finite are infinitely
// far. It panics when their number is not s.Features.
func (s *Strangeness) Distance(features []float32) float64 {
	f := s.Features
	if len(features) != f {
		panic(fmt.Sprintf("confidence: %d features where there were %d in training", len(features), f))
	}
	x, z := make([]float64, f), make([]float64, f)
	if unit(x, features) != nil {
		return math.Inf(1)
	}
	multiply(z, s.Whitening, x)
	nearest := math.Inf(1)
	for c := range s.Classes {
		var sum float64
		for k, m := range s.Means[c*f : (c+1)*f] {
			d := z[k] - float64(m)
			sum += float64(d * d)
		}
		nearest = min(nearest, sum)
	}
	return math.Sqrt(nearest)
}

// Bytes returns what a Strangeness takes in a model file.
func (s *Strangeness) Bytes() int { return 4 * (len(s.Means) + len(s.Whitening)) }
