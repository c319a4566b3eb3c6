package features

import (
	"context"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// LinearOptions are those of FitLinear.
type LinearOptions struct {
	// WeightDecay, 0 or more, is how much weights on features of standard deviation 1 cost. scikit-learn's C
	// is 1/(N*WeightDecay), and twice that for two classes, of which it has the weights of one.
	WeightDecay float64
	// MaxSteps bounds the search; 0 means 1000.
	MaxSteps int
}

// FitLinear fits a linear head to the features [N,F] of pictures and their targets, for a number of classes: softmax
// regression for one class a picture, a logistic regression for each label where there may be several. It is the minimum of
//
//	mean over pictures of the cross-entropy (of labels: its sum over them) + WeightDecay/2 · the sum of squared weights
//
// on features brought to mean 0 and standard deviation 1; biases cost nothing. That is scikit-learn's
// StandardScaler and LogisticRegression. It is found by L-BFGS (Nocedal and Wright, "Numerical Optimization", 2006, algorithm
// 7.5), and the bits do not depend on the number of threads.
func FitLinear(ctx context.Context, features *tensor.Tensor, y target.Targets, classes int, o LinearOptions) (*Head, error) {
	s, err := newFit(features, y, classes, &o)
	if err != nil {
		return nil, err
	}
	p := newRegression(s, y, classes, o.WeightDecay)
	v, steps, err := p.solve(ctx, o.MaxSteps)
	if err != nil {
		return nil, err
	}
	h := s.head(v[:classes*s.f], v[classes*s.f:])
	h.Loss, h.Steps = p.loss, steps
	if y.Values != nil {
		h.Loss /= float64(classes) // as binary cross-entropy is averaged in training
	}
	return h, nil
}

// newFit checks what a head is fitted to, fills in the defaults of o, and returns the standard features.
func newFit(features *tensor.Tensor, y target.Targets, outputs int, o *LinearOptions) (*standard, error) {
	if !(o.WeightDecay >= 0) || math.IsInf(o.WeightDecay, 0) || o.MaxSteps < 0 {
		return nil, fmt.Errorf("features: a weight decay of %v and %d steps; want neither below 0", o.WeightDecay, o.MaxSteps)
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = 1000
	}
	s, err := newStandard(features)
	if err != nil {
		return nil, err
	}
	return s, checkTargets(y, s.n, outputs)
}

// regression is the function that FitLinear and FitRidge make as small as possible.
type regression struct {
	*standard
	y       target.Targets
	classes int
	decay   float64

	w, bias []float32 // as float32, for the product
	logits  []float32 // [N,C], then their gradient
	dw      []float32
	losses  []float64 // of each picture
	loss    float64   // their mean, at the last place

	// gradient returns the loss of picture i for its row of logits, and puts its gradient, divided by n, in their place.
	gradient func(row []float32, i int) float64
}

func newRegression(s *standard, y target.Targets, classes int, decay float64) *regression {
	p := &regression{standard: s, y: y, classes: classes, decay: decay,
		w: make([]float32, classes*s.f), bias: make([]float32, classes), logits: make([]float32, s.n*classes), dw: make([]float32, classes*s.f), losses: make([]float64, s.n)}
	p.gradient = func(row []float32, i int) float64 { return softmaxGradient(row, y.Class[i], s.n) }
	if y.Values != nil {
		p.gradient = func(row []float32, i int) float64 { return sigmoidGradient(row, y.Row(i), s.n) }
	}
	return p
}

// solve returns the place of the minimum, weights and then biases, at which p then is.
func (p *regression) solve(ctx context.Context, most int) (v []float64, steps int, err error) {
	v = make([]float64, p.classes*(p.f+1))
	if steps, err = minimize(ctx, p.at, v, most); err == nil {
		p.at(v, make([]float64, len(v))) // for the loss
	}
	return v, steps, err
}

// at returns the value at v, and writes its gradient to grad.
func (p *regression) at(v, grad []float64) float64 {
	c, f := p.classes, p.f
	for i := range p.w {
		p.w[i] = float32(v[i])
	}
	for k := range p.bias {
		p.bias[k] = float32(v[c*f+k])
	}
	product := conv.Linear{Rows: p.n, In: f, Out: c}
	product.Forward(p.x, p.w, p.logits, elementwise.Epilogue{Bias: p.bias})
	parallel.ChunksWith(p.n, 64, p, func(p **regression, lo, hi int) {
		for i := lo; i < hi; i++ {
			(*p).losses[i] = (*p).gradient((*p).logits[i*(*p).classes:(i+1)*(*p).classes], i)
		}
	})
	product.BackwardWeights(p.x, p.logits, p.dw)
	p.loss = 0
	for _, l := range p.losses {
		p.loss += l
	}
	p.loss /= float64(p.n)
	var squares float64
	for i, d := range p.dw {
		grad[i] = float64(d) + float64(p.decay*v[i])
		squares += float64(v[i] * v[i])
	}
	clear(grad[c*f:])
	for i := range p.n {
		for k, d := range p.logits[i*c : (i+1)*c] {
			grad[c*f+k] += float64(d)
		}
	}
	return p.loss + float64(p.decay/2*squares)
}

// softmaxGradient returns the cross-entropy of a row of logits and puts in its place the gradient,
// divided by n.
func softmaxGradient(row []float32, class, n int) float64 {
	top := row[0]
	for _, v := range row {
		top = max(top, v)
	}
	var sum float64
	for _, v := range row {
		sum += math.Exp(float64(v - top))
	}
	loss := math.Log(sum) - float64(row[class]-top)
	for k, v := range row {
		p := math.Exp(float64(v-top)) / sum
		if k == class {
			p--
		}
		row[k] = float32(p / float64(n))
	}
	return loss
}

// sigmoidGradient is softmaxGradient for labels that are 0 or 1 each: the sum of their binary cross-entropies.
func sigmoidGradient(row, labels []float32, n int) float64 {
	var loss float64
	for k, v := range row {
		x, y := float64(v), float64(labels[k])
		loss += max(x, 0) - float64(x*y) + math.Log1p(math.Exp(-math.Abs(x)))
		row[k] = float32((1/(1+math.Exp(-x)) - y) / float64(n))
	}
	return loss
}
