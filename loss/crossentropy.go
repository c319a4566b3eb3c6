package loss

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// CrossEntropy is the softmax cross-entropy of logits and classes
// (nn.CrossEntropyLoss, fastai's CrossEntropyLossFlat), with label smoothing
// when Smoothing is above 0 (fastai's LabelSmoothingCrossEntropy). With
// logp = LogSoftmax(logits), eps = Smoothing and w the class weights, item i
// with class y has the loss
//
//	(1-eps) * w[y] * -logp[i,y]  +  eps/C * sum over c of -logp[i,c]
//
// fastai's smoothing spreads eps over all C classes, the right one included, and
// does not weight the spread part.
//
// Under Mean, the first term is divided by the sum of the items' class weights,
// as PyTorch does, and the second by N. Mixed targets are averaged over N, as
// fastai's MixUp does, weighted or not. The mean of no items is NaN.
type CrossEntropy struct {
	Smoothing float64   // eps of label smoothing, in [0,1]; 0 means none
	Weight    []float32 // a weight for each class, or nil for 1; at least 0
	Reduction Reduction // the zero value is Mean
}

// LabelSmoothingCrossEntropy is CrossEntropy with fastai's default smoothing of
// 0.1.
func LabelSmoothingCrossEntropy() *CrossEntropy { return &CrossEntropy{Smoothing: 0.1} }

var _ Func = (*CrossEntropy)(nil)

// ready checks the options and what every method is given, before any
// arithmetic.
func (l *CrossEntropy) ready(logits *tensor.Tensor, y target.Targets, items []float32) error {
	n, c, err := matrix("logits", logits)
	if err != nil {
		return err
	}
	if err := y.CheckClasses(n, c); err != nil {
		return fmt.Errorf("loss: %w", err)
	}
	if items != nil && len(items) != n {
		return fmt.Errorf("loss: room for %d item losses, the batch has %d", len(items), n)
	}
	if !(l.Smoothing >= 0 && l.Smoothing <= 1) {
		return fmt.Errorf("loss: label smoothing of %v: it must be between 0 and 1 (fastai's default is 0.1)", l.Smoothing)
	}
	if l.Weight != nil && len(l.Weight) != c {
		return fmt.Errorf("loss: %d class weights for %d classes: one is needed for each class", len(l.Weight), c)
	}
	for k, w := range l.Weight {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			return fmt.Errorf("loss: weight of class %d is %v: it must be a finite number, 0 or more", k, w)
		}
	}
	if l.Reduction < Mean || l.Reduction > None {
		return fmt.Errorf("loss: unknown reduction %v: use Mean, Sum or None", l.Reduction)
	}
	return nil
}

func (l *CrossEntropy) weight(class int) float64 {
	if l.Weight == nil {
		return 1
	}
	return float64(l.Weight[class])
}

// target is what row i is trained towards: the classes a and b (the same one when
// not mixed) with factors fa and fb, before smoothing.
func (l *CrossEntropy) target(y target.Targets, i int) (a, b int, fa, fb float64) {
	a = y.Class[i]
	if y.Other == nil {
		return a, a, l.weight(a), 0
	}
	b = y.Other[i]
	lambda := float64(y.Lambda[i])
	return a, b, lambda * l.weight(a), (1 - lambda) * l.weight(b)
}

// scales returns what the target's term and the smoothing term of every item
// are multiplied by in the batch's loss.
func (l *CrossEntropy) scales(y target.Targets, n int) (target, smoothing float64) {
	if l.Reduction != Mean {
		return 1, 1
	}
	smoothing = 1 / float64(n)
	if l.Weight == nil || y.Other != nil {
		return smoothing, smoothing
	}
	var total float64
	for _, k := range y.Class {
		total += l.weight(k)
	}
	return 1 / total, smoothing
}

// Forward implements Func.
func (l *CrossEntropy) Forward(logits *tensor.Tensor, y target.Targets, items []float32) (float64, error) {
	if err := l.ready(logits, y, items); err != nil {
		return 0, err
	}
	return l.run(logits, y, items, nil), nil
}

// ForwardBackward implements Func.
func (l *CrossEntropy) ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	if err := l.ready(logits, y, items); err != nil {
		return 0, err
	}
	if l.Reduction == None {
		return 0, fmt.Errorf("loss: reduction none has no single loss to differentiate: use Mean or Sum")
	}
	if err := checkGradient(logits, dlogits); err != nil {
		return 0, err
	}
	return l.run(logits, y, items, dlogits), nil
}

func checkGradient(logits, dlogits *tensor.Tensor) error {
	if dlogits == nil || !tensor.SameShape(logits.Shape, dlogits.Shape) || len(dlogits.Data) != len(logits.Data) {
		return fmt.Errorf("loss: the gradient must have the shape %v of the logits", logits.Shape)
	}
	return nil
}

// run computes the loss of checked arguments, and its gradient unless dlogits
// is nil. Rows are added in order, so that the loss does not depend on anything
// else.
func (l *CrossEntropy) run(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) float64 {
	n, c := logits.Shape[0], logits.Shape[1]
	targetScale, smoothingScale := l.scales(y, n)
	var targetSum, smoothingSum float64
	for i := range n {
		row := logits.Data[i*c : (i+1)*c]
		lse, sum := logSumExp(row)
		a, b, fa, fb := l.target(y, i)
		target, smoothing := l.itemLoss(row, lse, sum, a, b, fa, fb)
		targetSum += target
		smoothingSum += smoothing
		if items != nil {
			items[i] = float32(target + smoothing)
		}
		if dlogits == nil {
			continue
		}
		keep := targetScale * (1 - l.Smoothing)
		gradRow(row, dlogits.Data[i*c:(i+1)*c], lse, a, b, fa*keep, fb*keep, smoothingScale*l.Smoothing)
	}
	switch {
	case l.Reduction == None:
		return 0
	case l.Reduction == Mean && n == 0:
		return math.NaN()
	case l.Smoothing == 0: // smoothingScale may be infinite for no items
		return targetScale * targetSum
	}
	return float64(targetScale*targetSum) + float64(smoothingScale*smoothingSum)
}

// itemLoss returns the two terms of a row's loss: that of its target classes,
// and the smoothing. lse and sum are those of logSumExp.
func (l *CrossEntropy) itemLoss(row []float32, lse, sum float64, a, b int, fa, fb float64) (target, smoothing float64) {
	target = float64(fa * (lse - float64(row[a])))
	if fb != 0 {
		target += float64(fb * (lse - float64(row[b])))
	}
	if l.Smoothing == 0 {
		return target, 0
	}
	c := float64(len(row))
	return (1 - l.Smoothing) * target, l.Smoothing / c * (float64(c*lse) - sum)
}

// gradRow writes the gradient of a row, (fa+fb+spread)*softmax(row) -
// fa*onehot(a) - fb*onehot(b) - spread/C, to dst, which may be row: the gradient
// of -logp[y] is softmax - onehot(y), that of the spread term softmax - 1/C.
// Each element is rounded once.
func gradRow(row, dst []float32, lse float64, a, b int, fa, fb, spread float64) {
	all, each := fa+fb+spread, spread/float64(len(row))
	for j, v := range row {
		g := float64(all*math.Exp(float64(v)-lse)) - each
		if j == a {
			g -= fa
		}
		if j == b {
			g -= fb
		}
		dst[j] = float32(g)
	}
}

// Reduce implements Func.
func (l *CrossEntropy) Reduce() Reduction { return l.Reduction }

// String implements Func.
func (l *CrossEntropy) String() string {
	s := "cross_entropy"
	if l.Smoothing != 0 {
		s = fmt.Sprintf("label_smoothing(eps=%g)", l.Smoothing)
	}
	if l.Weight != nil {
		s += " weighted"
	}
	return withReduction(s, l.Reduction)
}
