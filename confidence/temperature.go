package confidence

import (
	"errors"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Temperatures that are fitted lie between these.
const (
	MinTemperature = 0.05
	MaxTemperature = 20
)

// ErrNoTemperature is the error of pictures that do not determine a temperature.
var ErrNoTemperature = errors.New("the pictures do not determine a temperature")

// Temperature returns the number by which to divide the scores (logits) [N,C] of a
// classifier, so that its probabilities fit the pictures with targets y best: the
// lowest mean of -ln(probability of what is true) (temperature scaling; Guo et al.
// 2017, "On Calibration of Modern Neural Networks"). Above 1 the classifier was too
// sure, below 1 too modest. The order of a picture's classes stays as it is.
//
// Targets that are classes take their probabilities by softmax; targets that are rows
// of 0 and 1, one for each label, by sigmoid, with one temperature for all
// labels. The pictures should not have trained the classifier.
//
// Where the best one is not between MinTemperature and MaxTemperature, the error
// wraps ErrNoTemperature: all pictures are right with a margin, so that ever lower
// ones fit ever better, or the scores say nothing of the classes.
func Temperature(logits *tensor.Tensor, y target.Targets) (float64, error) {
	if len(logits.Shape) != 2 || logits.Shape[0] != y.Len() || len(logits.Data) != logits.Shape[0]*logits.Shape[1] {
		return 0, fmt.Errorf("confidence: scores of shape %v for %d targets: want [N,classes] and N targets", logits.Shape, y.Len())
	}
	if logits.Shape[0] == 0 {
		return 0, errors.New("confidence: there are no pictures to fit a temperature on")
	}
	for i, v := range logits.Data {
		if v-v != 0 {
			return 0, fmt.Errorf("confidence: score %d of picture %d is %v; want finite numbers (NaN means that training diverged)", i%logits.Shape[1], i/logits.Shape[1], v)
		}
	}
	slope := softmaxSlope
	if y.Class == nil {
		if !tensor.SameShape(y.Values.Shape, logits.Shape) {
			return 0, fmt.Errorf("confidence: targets of shape %v for scores of shape %v", y.Values.Shape, logits.Shape)
		}
		for i, v := range y.Values.Data {
			if v != 0 && v != 1 {
				return 0, fmt.Errorf("confidence: the targets of picture %d have %v: a temperature is for labels, which are 0 or 1", i/logits.Shape[1], v)
			}
		}
		slope = sigmoidSlope
	} else {
		for i, c := range y.Class {
			if c < 0 || c >= logits.Shape[1] {
				return 0, fmt.Errorf("confidence: picture %d has class %d of %d", i, c, logits.Shape[1])
			}
		}
	}
	return fitTemperature(logits, y, slope)
}

// slopeFunc returns the first and second derivative, by the inverse temperature b, of
// the sum over pictures of -ln(probability of what is true).
type slopeFunc func(logits *tensor.Tensor, y target.Targets, b float64) (first, second float64)

// fitTemperature finds the root of the slope, which rises with b since the sum is
// convex, by Newton's method, kept inside an interval that holds the root.
func fitTemperature(logits *tensor.Tensor, y target.Targets, slope slopeFunc) (float64, error) {
	lo, hi := 1/float64(MaxTemperature), 1/float64(MinTemperature)
	if first, _ := slope(logits, y, hi); first <= 0 {
		return 0, fmt.Errorf("confidence: %w: the lower it is, the better it fits (%d pictures, all of them right or nearly so): more, or harder, pictures are needed", ErrNoTemperature, y.Len())
	}
	if first, _ := slope(logits, y, lo); first >= 0 {
		return 0, fmt.Errorf("confidence: %w: the higher it is, the better it fits (%d pictures): what the model says of them is no better than chance", ErrNoTemperature, y.Len())
	}
	b := 1.0
	for range 100 {
		first, second := slope(logits, y, b)
		if first > 0 {
			hi = b
		} else {
			lo = b
		}
		next := b - first/second
		if !(next > lo && next < hi) {
			next = (lo + hi) / 2
		}
		if math.Abs(next-b) <= 1e-12*b {
			return 1 / next, nil
		}
		b = next
	}
	return 1 / b, nil
}

// softmaxSlope: the derivatives are the sums of E[z] - z of the true class, and of the
// variance of z, under the softmax of b·z.
func softmaxSlope(logits *tensor.Tensor, y target.Targets, b float64) (first, second float64) {
	c := logits.Shape[1]
	for i, k := range y.Class {
		z := logits.Data[i*c : (i+1)*c]
		most := float64(z[tensor.Argmax(z)])
		var sum, mean, square float64 // of differences from the highest, so that none is large
		for _, v := range z {
			d := float64(v) - most
			e := math.Exp(b * d)
			sum += e
			mean += float64(e * d)
			square += float64(e * d * d)
		}
		mean /= sum
		first += mean - (float64(z[k]) - most)
		second += square/sum - float64(mean*mean)
	}
	return first, second
}

// sigmoidSlope: the derivatives are the sums of (p-t)·z and p·(1-p)·z², p being the
// sigmoid of b·z.
func sigmoidSlope(logits *tensor.Tensor, y target.Targets, b float64) (first, second float64) {
	for i, v := range logits.Data {
		z := float64(v)
		p := 1 / (1 + math.Exp(-b*z))
		first += float64((p - float64(y.Values.Data[i])) * z)
		second += float64(p * (1 - p) * z * z)
	}
	return first, second
}
