package loss

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Focal is the focal loss of one class an item (Lin et al. 2017,
// https://arxiv.org/abs/1708.02002) as fastai's FocalLoss has it: an item with the
// cross-entropy ce, class weight included, has the loss
//
//	(1 - exp(-ce))^Gamma · ce
//
// so that what is right already counts little. Mean divides by the number of items,
// weighted or not. Mixed targets are blended, as CrossEntropy blends them.
type Focal struct {
	Gamma     float64   // at least 0; fastai's 2 in NewFocal, 0 is cross-entropy
	Weight    []float32 // a factor for each class, 0 or more; nil means 1
	Reduction Reduction // the zero value is Mean
}

// NewFocal returns the loss with fastai's gamma of 2.
func NewFocal() *Focal { return &Focal{Gamma: 2} }

var _ Func = (*Focal)(nil)

func (l *Focal) check(logits *tensor.Tensor, y target.Targets, items []float32) error {
	if !(l.Gamma >= 0) || math.IsInf(l.Gamma, 0) {
		return fmt.Errorf("loss: focal loss with a gamma of %v: it must be finite and 0 or more", l.Gamma)
	}
	return (&CrossEntropy{Weight: l.Weight, Reduction: l.Reduction}).ready(logits, y, items)
}

// Forward implements Func.
func (l *Focal) Forward(logits *tensor.Tensor, y target.Targets, items []float32) (float64, error) {
	if err := l.check(logits, y, items); err != nil {
		return 0, err
	}
	return l.run(logits, y, items, nil), nil
}

// ForwardBackward implements Func.
func (l *Focal) ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	if err := l.check(logits, y, items); err != nil {
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

func (l *Focal) run(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) float64 {
	n, c := logits.Shape[0], logits.Shape[1]
	scale := 1.0
	if l.Reduction == Mean {
		scale = 1 / float64(n)
	}
	var total float64
	for i := range n {
		row := logits.Data[i*c : (i+1)*c]
		lse, _ := logSumExp(row)
		a, b, part := y.Class[i], y.Class[i], 1.0
		if y.Other != nil {
			b, part = y.Other[i], float64(y.Lambda[i])
		}
		va, ga := l.focus(lse-float64(row[a]), a)
		vb, gb := l.focus(lse-float64(row[b]), b)
		item := float64(part*va) + float64((1-part)*vb)
		if items != nil {
			items[i] = float32(item)
		}
		total += item
		if dlogits != nil {
			gradRow(row, dlogits.Data[i*c:(i+1)*c], lse, a, b, scale*part*ga, scale*(1-part)*gb, 0)
		}
	}
	switch {
	case l.Reduction == None:
		return 0
	case l.Reduction == Mean && n == 0:
		return math.NaN()
	}
	return scale * total
}

// focus returns the loss of an item whose class has the log probability -nll, and
// its derivative by nll.
func (l *Focal) focus(nll float64, class int) (loss, gradient float64) {
	w := 1.0
	if l.Weight != nil {
		w = float64(l.Weight[class])
	}
	ce := w * nll
	rest := -math.Expm1(-ce) // 1 - exp(-ce)
	if l.Gamma == 0 {
		return ce, w
	}
	f := math.Pow(rest, l.Gamma)
	if rest == 0 {
		return 0, 0
	}
	return f * ce, w * f * (1 + l.Gamma*ce*math.Exp(-ce)/rest)
}

// Reduce implements Func.
func (l *Focal) Reduce() Reduction { return l.Reduction }

// String implements Func.
func (l *Focal) String() string {
	s := fmt.Sprintf("focal(gamma=%g)", l.Gamma)
	if l.Weight != nil {
		s += " weighted"
	}
	return withReduction(s, l.Reduction)
}
