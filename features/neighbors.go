package features

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Neighbors is a head that answers by the nearest of the pictures that it was fitted to; models.HeadNeighbors makes
// the layers that hold one.
type Neighbors struct {
	Weight    []float32 // [M,F]: Weight·x + Bias is -d²/(2t) for the distance d to each picture, but for what all pictures share
	Bias      []float32 // [M]
	Class     []int     // [M]
	Classes   int
	Neighbors int     // how many vote
	Spread    float64 // the standard deviation of the weight of a vote by its distance, the root of t
	Loss      float64 // the mean cross-entropy of pictures, each judged by the others
}

// The ways to vote that FitNeighbors tries: how many neighbors, and the spread, in multiples of
// the root of the mean squared distance to the nearest one. The last gives all votes the same weight, or nearly.
var (
	neighborCounts  = []int{1, 2, 3, 5, 8, 12, 20, 30}
	neighborSpreads = []float64{0.125, 0.25, 0.5, 1, 100}
)

// maxJudged bounds how many pairs of pictures are compared to choose.
const maxJudged = 1 << 22

// FitNeighbors fits the head that answers by a vote of the nearest pictures, by Euclidean distance d between features of
// standard deviation 1: scikit-learn's StandardScaler and KNeighborsClassifier with the weights exp(-d²/(2t)); see
// op.Vote for how votes become scores. How many vote and the spread, the root of t, are those by which
// the pictures, each judged by the others, have the lowest cross-entropy; of many pictures, some evenly spaced ones are
// judged. All pictures stay in the head: it is as large as their features.
//
// It returns ctx's error when that ends first, and an error for several labels a picture and for features that are
// not finite.
func FitNeighbors(ctx context.Context, features *tensor.Tensor, y target.Targets, classes int) (*Neighbors, error) {
	s, err := newStandard(features)
	if err != nil {
		return nil, err
	}
	if err := checkTargets(y, s.n, classes); err != nil {
		return nil, err
	}
	if y.Values != nil {
		return nil, errors.New("features: the vote of neighbors is for pictures with one class each, and these may have several labels")
	}
	near := s.nearestOthers(min(slices.Max(neighborCounts), s.n-1))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	unit := 0.0
	for _, of := range near {
		unit += of.squared[0] / float64(len(near))
	}
	if unit == 0 {
		unit = 1 // every picture has a copy
	}
	h := &Neighbors{Class: slices.Clone(y.Class), Classes: classes, Loss: math.Inf(1)}
	for _, k := range neighborCounts {
		for _, by := range neighborSpreads {
			if k >= s.n || k == 1 && by != neighborSpreads[0] {
				continue // one vote has one weight
			}
			t, loss := unit*by*by, 0.0
			for _, of := range near {
				loss += of.loss(y.Class, k, t, classes) / float64(len(near))
			}
			if loss < h.Loss {
				h.Neighbors, h.Spread, h.Loss = k, math.Sqrt(t), loss
			}
		}
	}
	h.Weight, h.Bias = s.rows(h.Spread * h.Spread)
	return h, nil
}

// others are the nearest of the other pictures to one.
type others struct {
	of      int // the picture
	at      []int
	squared []float64 // distances
}

// nearestOthers returns the k nearest others of each picture, or of some evenly spaced ones.
func (s *standard) nearestOthers(k int) []others {
	judged := min(s.n, max(200, maxJudged/s.n))
	all := make([]others, judged)
	parallel.For(judged, func(j int) {
		i := j * s.n / judged
		x, o := s.x[i*s.f:(i+1)*s.f], others{of: i}
		for p := range s.n {
			if p == i {
				continue
			}
			d := 0.0
			for f, v := range s.x[p*s.f : (p+1)*s.f] {
				e := float64(v - x[f])
				d += float64(e * e)
			}
			if len(o.at) == k && d >= o.squared[k-1] {
				continue
			}
			if len(o.at) == k {
				o.at, o.squared = o.at[:k-1], o.squared[:k-1]
			}
			place, _ := slices.BinarySearch(o.squared, math.Nextafter(d, math.Inf(1))) // behind equal ones
			o.at, o.squared = slices.Insert(o.at, place, p), slices.Insert(o.squared, place, d)
		}
		all[j] = o
	})
	return all
}

// loss is the cross-entropy of the vote of the k nearest others.
func (o others) loss(class []int, k int, t float64, classes int) float64 {
	right, sum := 0.0, 0.0
	for j, p := range o.at[:k] {
		w := math.Exp((o.squared[0] - o.squared[j]) / (2 * t))
		sum += w
		if class[p] == class[o.of] {
			right += w
		}
	}
	return -math.Log((float64(float64(k)*right/sum) + 1/float64(classes)) / float64(k+1))
}

// rows returns the linear layer, a row for each picture, that makes of features, as they are, -d²/(2t) of the
// standard ones, but for the part that all pictures share.
func (s *standard) rows(t float64) (weight, bias []float32) {
	weight, bias = make([]float32, len(s.x)), make([]float32, s.n)
	parallel.For(s.n, func(i int) {
		b := 0.0
		for f, v := range s.x[i*s.f : (i+1)*s.f] {
			if s.scale[f] > 0 {
				w := float64(v) / (t * s.scale[f])
				weight[i*s.f+f] = float32(w)
				b -= float64(float64(v)*float64(v))/(2*t) + float64(w*s.mean[f])
			}
		}
		bias[i] = float32(b)
	})
	return weight, bias
}

// Put writes the head into the layers of one for as many pictures or more, whose further ones come to be infinitely far: weight [M,F],
// bias [M] and class [M].
func (h *Neighbors) Put(weight, bias, class []float32) {
	clear(weight[copy(weight, h.Weight):])
	for i := copy(bias, h.Bias); i < len(bias); i++ {
		bias[i] = -math.MaxFloat32
	}
	clear(class)
	for i, c := range h.Class {
		class[i] = float32(c)
	}
}

// Scores returns the scores [N,C] of the classes for features [N,F].
func (h *Neighbors) Scores(features *tensor.Tensor) (*tensor.Tensor, error) {
	m := len(h.Class)
	if len(features.Shape) != 2 || m*features.Shape[1] != len(h.Weight) || len(features.Data) != tensor.Size(features.Shape...) {
		return nil, fmt.Errorf("features: a head of %d pictures and %d values, and features of shape %v", m, len(h.Weight), features.Shape)
	}
	n, f := features.Shape[0], features.Shape[1]
	scores := tensor.New(n, h.Classes)
	parallel.For(n, func(i int) {
		x, near := features.Data[i*f:(i+1)*f], make([]float64, m)
		at := make([]int, m)
		for p := range m {
			at[p], near[p] = p, float64(h.Bias[p])
			for k, w := range h.Weight[p*f : (p+1)*f] {
				near[p] += float64(float64(w) * float64(x[k]))
			}
		}
		slices.SortStableFunc(at, func(a, b int) int {
			switch {
			case near[a] > near[b]:
				return -1
			case near[a] < near[b]:
				return 1
			}
			return 0
		})
		share, sum := make([]float64, h.Classes), 0.0
		for _, p := range at[:h.Neighbors] {
			w := math.Exp(near[p] - near[at[0]])
			share[h.Class[p]] += w
			sum += w
		}
		for c, v := range share {
			scores.Data[i*h.Classes+c] = float32(math.Log((float64(float64(h.Neighbors)*v/sum) + 1/float64(h.Classes)) / float64(h.Neighbors+1)))
		}
	})
	return scores, nil
}
