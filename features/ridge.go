package features

import (
	"context"
	"errors"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// FitRidge fits a linear head to the features [N,F] of pictures and to one or several numbers of each, for
// task.Regression without a range: a ridge regression. It is the minimum of
//
//	mean over pictures of half the squared error, summed over the numbers + WeightDecay/2 · the sum of squared weights
//
// on features brought to mean 0 and standard deviation 1; biases cost nothing. That is scikit-learn's
// StandardScaler and Ridge with alpha = N·WeightDecay. It is found as FitLinear's minimum is; Head.Loss is the mean
// squared error over pictures and numbers, in the numbers' unit squared.
func FitRidge(ctx context.Context, features *tensor.Tensor, y target.Targets, numbers int, o LinearOptions) (*Head, error) {
	s, err := newFit(features, y, numbers, &o)
	if err != nil {
		return nil, err
	}
	if y.Values == nil {
		return nil, errors.New("features: FitRidge fits numbers, and the targets are classes: FitLinear fits these")
	}
	// With the numbers too at mean 0 and deviation 1 the minimum is the same, up to their scale, and the search starts near it.
	of, err := newStandard(y.Values)
	if err != nil {
		return nil, err
	}
	p := newRegression(s, target.Targets{Values: tensor.FromSlice(of.x, s.n, numbers)}, numbers, o.WeightDecay)
	p.gradient = p.squared
	v, steps, err := p.solve(ctx, o.MaxSteps)
	if err != nil {
		return nil, err
	}
	var squares float64
	for i, d := range p.logits { // (answer - number)/n on standard numbers
		e := float64(d) * float64(s.n) * of.scale[i%numbers]
		squares += float64(e * e)
	}
	for i := range v[:numbers*s.f] {
		v[i] *= of.scale[i/s.f]
	}
	for k := range numbers {
		b := &v[numbers*s.f+k]
		*b = float64(*b*of.scale[k]) + of.mean[k]
	}
	h := s.head(v[:numbers*s.f], v[numbers*s.f:])
	h.Loss, h.Steps = squares/float64(s.n*numbers), steps
	if math.IsNaN(h.Loss) || math.IsInf(h.Loss, 0) {
		return nil, errors.New("features: the numbers are too large for float32: scale them")
	}
	return h, nil
}

// squared is half the squared error of picture i, summed over its numbers, and puts its gradient, divided by n, in
// the place of the answers.
func (p *regression) squared(row []float32, i int) float64 {
	var loss float64
	for k, t := range p.y.Row(i) {
		d := float64(row[k]) - float64(t)
		loss += float64(d * d / 2)
		row[k] = float32(d / float64(p.n))
	}
	return loss
}
