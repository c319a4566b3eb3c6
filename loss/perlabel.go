package loss

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// elementwise is a loss that judges every label of an item by itself: x is the
// label's score and t its target, in [0,1] where labels are present or absent. It returns the loss and its derivative
// by x.
type elementwise interface {
	element(x, t float64, label int) (loss, gradient float64)
	smooth(t float64, labels int, oneHot bool) float64
	checkTargets(y target.Targets, n, c int) error
	Reduce() Reduction
}

// perLabel is Forward and ForwardBackward of an elementwise loss. Under Mean the
// losses of all labels of all items are averaged, under Sum added, as PyTorch does;
// items receive the mean over their labels.
//
// Targets of Class form are taken as rows with a one at the class, or, when mixed,
// lambda and 1-lambda at two.
func perLabel(l elementwise, logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	n, c, err := matrix("logits", logits)
	if err != nil {
		return 0, err
	}
	if err := l.checkTargets(y, n, c); err != nil {
		return 0, err
	}
	if items != nil && len(items) != n {
		return 0, fmt.Errorf("loss: room for %d item losses, the batch has %d", len(items), n)
	}
	scale := 1.0
	switch r := l.Reduce(); r {
	case Mean:
		scale = 1 / float64(n*c)
	case Sum, None:
	default:
		return 0, fmt.Errorf("loss: unknown reduction %v: use Mean, Sum or None", r)
	}
	var total float64
	for i := range n {
		var item float64
		for k, x := range logits.Data[i*c : (i+1)*c] {
			t := l.smooth(rowTarget(y, i, k), c, y.Values == nil)
			v, g := l.element(float64(x), t, k)
			item += v
			if dlogits != nil {
				dlogits.Data[i*c+k] = float32(scale * g)
			}
		}
		if items != nil {
			items[i] = float32(item / float64(c))
		}
		total += item
	}
	switch {
	case l.Reduce() == None:
		return 0, nil
	case n == 0 && l.Reduce() == Mean:
		return math.NaN(), nil
	}
	return scale * total, nil
}

// perLabelGradient is perLabel with the gradient, which reduction none has not.
func perLabelGradient(l elementwise, logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	if l.Reduce() == None {
		return 0, fmt.Errorf("loss: reduction none has no single loss to differentiate: use Mean or Sum")
	}
	if _, _, err := matrix("logits", logits); err != nil {
		return 0, err
	}
	if err := checkGradient(logits, dlogits); err != nil {
		return 0, err
	}
	return perLabel(l, logits, y, items, dlogits)
}

// checkRows returns an error unless y has a target in [0,1] for each of n times c
// scores, in either form.
func checkRows(y target.Targets, n, c int) error {
	if y.Values == nil {
		if err := y.CheckClasses(n, c); err != nil {
			return fmt.Errorf("loss: %w", err)
		}
		return nil
	}
	if err := y.CheckValues(n, c); err != nil {
		return fmt.Errorf("loss: %w", err)
	}
	for i, t := range y.Values.Data {
		if !(t >= 0 && t <= 1) {
			return fmt.Errorf("loss: target %d of item %d is %v: it must be between 0 (the item does not have the label) and 1", i%c, i/c, t)
		}
	}
	return nil
}

// rowTarget returns the target of label k of item i.
func rowTarget(y target.Targets, i, k int) float64 {
	if y.Values != nil {
		return float64(y.Row(i)[k])
	}
	t := 0.0
	if y.Class[i] == k {
		t = 1
	}
	if y.Other == nil {
		return t
	}
	lambda := float64(y.Lambda[i])
	t = float64(t * lambda)
	if y.Other[i] == k {
		t += 1 - lambda
	}
	return t
}

// labelWeights checks factors of a loss, one for each of c labels.
func labelWeights(what string, w []float32, c int) error {
	if w != nil && len(w) != c {
		return fmt.Errorf("loss: %d %s for %d labels: one is needed for each", len(w), what, c)
	}
	for k, v := range w {
		if !(v >= 0) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("loss: number %d of the %s is %v: it must be finite and 0 or more", k, what, v)
		}
	}
	return nil
}

// sigmoid returns 1/(1+exp(-x)).
func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// softplus returns log(1+exp(x)), without overflow: -log(1-sigmoid(x)).
func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
