package features

import (
	"errors"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// FitNearestMean fits the head that answers with the class whose pictures' mean features are the
// nearest, by Euclidean distance between features of standard deviation 1 (scikit-learn's StandardScaler
// and NearestCentroid). Since |x-m|² = |x|² - 2·m·x + |m|², and |x|² is the same for all classes, it is a linear
// layer exactly: the logits are -|x-m|²/(2·t) but for what all classes share.
//
// It is for few pictures of a class, one at least, and there is nothing to choose. The temperature t makes the
// probabilities fit the pictures best, each measured against its own class's mean without itself
// (confidence.Temperature).
func FitNearestMean(features *tensor.Tensor, y target.Targets, classes int) (*Head, error) {
	s, err := newStandard(features)
	if err != nil {
		return nil, err
	}
	if err := checkTargets(y, s.n, classes); err != nil {
		return nil, err
	}
	if y.Values != nil {
		return nil, errors.New("features: the nearest mean is for pictures with one class each, and these may have several labels")
	}
	means, counts := make([]float64, classes*s.f), make([]int, classes)
	for i, c := range y.Class {
		counts[c]++
		for k, v := range s.x[i*s.f : (i+1)*s.f] {
			means[c*s.f+k] += float64(v)
		}
	}
	for c, n := range counts {
		if n == 0 {
			return nil, fmt.Errorf("features: class %d has no picture to take a mean of", c)
		}
		for k := range s.f {
			means[c*s.f+k] /= float64(n)
		}
	}
	logits, known := s.withoutThemselves(means, counts, y.Class)
	spread, t := deviation(logits), 1.0
	for i := range logits.Data {
		logits.Data[i] = float32(float64(logits.Data[i]) / spread)
	}
	if known.Len() > 0 {
		if t, err = confidence.Temperature(logits, known); errors.Is(err, confidence.ErrNoTemperature) {
			t = boundary(logits, known)
		} else if err != nil {
			return nil, err
		}
	}
	by := 1 / (t * spread)
	w, b := make([]float64, len(means)), make([]float64, classes)
	for c := range classes {
		var square float64
		for k, m := range means[c*s.f : (c+1)*s.f] {
			w[c*s.f+k] = by * m
			square += float64(m * m)
		}
		b[c] = -by * square / 2
	}
	h := s.head(w, b)
	h.Loss = crossEntropy(logits, known, t)
	return h, nil
}

// deviation is the root of the mean square by which logits differ from the mean of their row, and 1 where they
// do not.
func deviation(logits *tensor.Tensor) float64 {
	c := logits.Shape[1]
	var sum float64
	for i := range logits.Shape[0] {
		row := logits.Data[i*c : (i+1)*c]
		var mean float64
		for _, v := range row {
			mean += float64(v) / float64(c)
		}
		for _, v := range row {
			d := float64(v) - mean
			sum += float64(d * d)
		}
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum / float64(len(logits.Data)))
}

// withoutThemselves returns -|x-m|²/2 for each picture and class, a picture's own class's mean
// taken without it, for pictures that are not the only ones of their class.
func (s *standard) withoutThemselves(means []float64, counts []int, class []int) (*tensor.Tensor, target.Targets) {
	classes := len(counts)
	logits := tensor.New(0, classes)
	known := target.Classes([]int{})
	for i, own := range class {
		if counts[own] < 2 {
			continue
		}
		for c := range classes {
			var square float64
			for k, m := range means[c*s.f : (c+1)*s.f] {
				d := float64(s.x[i*s.f+k]) - m
				square += float64(d * d)
			}
			if c == own { // x - (n·m - x)/(n-1) = (x - m)·n/(n-1)
				n := float64(counts[own])
				square *= n / (n - 1) * n / (n - 1)
			}
			logits.Data = append(logits.Data, float32(-square/2))
		}
		known.Class = append(known.Class, own)
	}
	logits.Shape[0] = len(known.Class)
	return logits, known
}

// boundary is the temperature at the end of the range where the best one lies: the lowest
// for logits that are right with a margin, the highest for those that say nothing.
func boundary(logits *tensor.Tensor, y target.Targets) float64 {
	if crossEntropy(logits, y, confidence.MinTemperature) < crossEntropy(logits, y, confidence.MaxTemperature) {
		return confidence.MinTemperature
	}
	return confidence.MaxTemperature
}

// crossEntropy is the mean loss of logits that are divided by t, 0 for none.
func crossEntropy(logits *tensor.Tensor, y target.Targets, t float64) float64 {
	var sum float64
	c := logits.Shape[1]
	row := make([]float32, c)
	for i, class := range y.Class {
		for k := range row {
			row[k] = float32(float64(logits.Data[i*c+k]) / t)
		}
		sum += softmaxGradient(row, class, 1)
	}
	return sum / float64(max(1, len(y.Class)))
}
