package features

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Scorer is a head that was fitted to features: a Head or Neighbors.
type Scorer interface {
	// Scores returns the scores [N,C] of the classes for the features [N,F] of N pictures. It returns an error for
	// features of another length than those that the head was fitted to.
	Scores(features *tensor.Tensor) (*tensor.Tensor, error)
}

// Head is a linear layer that was fitted to features: logits = Weight·x + Bias.
type Head struct {
	Weight []float32 // [C,F]
	Bias   []float32 // [C]
	Loss   float64   // mean over the pictures that it was fitted to, without the weight decay
	Steps  int       // that the search for the weights took; 0 where there is none
}

// Scores returns the logits [N,C] for the features [N,F] of N pictures.
func (h *Head) Scores(features *tensor.Tensor) (*tensor.Tensor, error) {
	c := len(h.Bias)
	if c == 0 || len(h.Weight)%c != 0 || len(features.Shape) != 2 || features.Shape[1] != len(h.Weight)/c || len(features.Data) != features.Shape[0]*features.Shape[1] {
		return nil, fmt.Errorf("features: a head of %d weights for %d classes, and features of shape %v", len(h.Weight), c, features.Shape)
	}
	n, f := features.Shape[0], features.Shape[1]
	scores := tensor.New(n, c)
	parallel.For(n, func(i int) { h.logits(scores.Data[i*c:(i+1)*c], features.Data[i*f:(i+1)*f]) })
	return scores, nil
}

// logits writes the scores for the features of a picture to out.
func (h *Head) logits(out, x []float32) {
	f := len(x)
	for c := range out {
		sum := float64(h.Bias[c])
		for k, w := range h.Weight[c*f : (c+1)*f] {
			sum += float64(float64(w) * float64(x[k]))
		}
		out[c] = float32(sum)
	}
}

// standard is features brought to mean 0 and standard deviation 1 over the pictures, as
// scikit-learn's StandardScaler does: a weight decay then means the same for each of them, and the search
// for weights takes few steps. A feature that is always the same becomes 0.
type standard struct {
	x           []float32 // [N,F]
	n, f        int
	mean, scale []float64 // [F]
}

func newStandard(features *tensor.Tensor) (*standard, error) {
	if len(features.Shape) != 2 || len(features.Data) != features.Shape[0]*features.Shape[1] {
		return nil, fmt.Errorf("features: a tensor of shape %v with %d values; want [N,F]", features.Shape, len(features.Data))
	}
	s := &standard{n: features.Shape[0], f: features.Shape[1]}
	if s.n < 2 || s.f < 1 {
		return nil, fmt.Errorf("features: a head is fitted to the features of two pictures at least, not to %d of %d", s.n, s.f)
	}
	s.mean, s.scale = make([]float64, s.f), make([]float64, s.f)
	for i := range s.n {
		for k, v := range features.Data[i*s.f : (i+1)*s.f] {
			if v-v != 0 {
				return nil, fmt.Errorf("features: those of picture %d are not finite", i)
			}
			s.mean[k] += float64(v)
		}
	}
	for k := range s.mean {
		s.mean[k] /= float64(s.n)
	}
	for i := range s.n {
		for k, v := range features.Data[i*s.f : (i+1)*s.f] {
			d := float64(v) - s.mean[k]
			s.scale[k] += float64(d * d)
		}
	}
	for k, v := range s.scale {
		// Below the rounding of float32 a feature does not differ between pictures.
		if s.scale[k] = math.Sqrt(v / float64(s.n)); s.scale[k] <= 1e-7*math.Abs(s.mean[k]) {
			s.scale[k] = 0
		}
	}
	s.x = make([]float32, len(features.Data))
	for i := range s.n {
		for k, v := range features.Data[i*s.f : (i+1)*s.f] {
			if s.scale[k] > 0 {
				s.x[i*s.f+k] = float32((float64(v) - s.mean[k]) / s.scale[k])
			}
		}
	}
	return s, nil
}

// head returns the layer that computes on features what w [C,F] and b [C] do on standard ones.
func (s *standard) head(w, b []float64) *Head {
	h := &Head{Weight: make([]float32, len(w)), Bias: make([]float32, len(b))}
	for c, bias := range b {
		for k := range s.f {
			if s.scale[k] > 0 {
				v := w[c*s.f+k] / s.scale[k]
				h.Weight[c*s.f+k] = float32(v)
				bias -= float64(v * s.mean[k])
			}
		}
		h.Bias[c] = float32(bias)
	}
	return h
}

// checkTargets returns the number of classes or labels that y is checked to have.
func checkTargets(y target.Targets, n, classes int) error {
	switch {
	case !y.Known() || y.Len() != n:
		return fmt.Errorf("features: targets of %d pictures for the features of %d", y.Len(), n)
	case classes < 1:
		return fmt.Errorf("features: a head for %d classes", classes)
	case y.Values != nil && y.Values.Shape[1] != classes:
		return fmt.Errorf("features: targets of %d labels for a head of %d", y.Values.Shape[1], classes)
	}
	for i, c := range y.Class {
		if c < 0 || c >= classes {
			return fmt.Errorf("features: picture %d has the class %d of %d", i, c, classes)
		}
	}
	return nil
}
