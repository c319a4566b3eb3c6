package loss

import (
	"fmt"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// BinaryCrossEntropy judges every label by itself, through a sigmoid
// (nn.BCEWithLogitsLoss, fastai's BCEWithLogitsLossFlat): for score x and target t
//
//	w[k] · (PosWeight[k]·t·softplus(-x) + (1-t)·softplus(x))
//
// Mean divides by the number of items times labels, weighted or not, as PyTorch does.
//
// Targets are rows of numbers in [0,1] for items with several labels, or classes,
// which count as rows with a single one (timm's BinaryCrossEntropy, of the recipe of
// "ResNet strikes back", Wightman et al. 2021, https://arxiv.org/abs/2110.00476).
type BinaryCrossEntropy struct {
	// Smoothing is eps of label smoothing, in [0,1]; 0 means none. Rows become
	// t·(1-eps) + eps/2, as Keras has it, since a label is a question of two answers. A class
	// among C becomes 1-eps+eps/C, and the other classes eps/C, as in timm.
	Smoothing float64
	// Weight has a factor for each label, 0 or more; nil means 1.
	Weight []float32
	// PosWeight has a factor for each label where it is present (PyTorch's
	// pos_weight): above 1 to find more of a rare label, at the price of false alarms. nil means 1.
	PosWeight []float32
	Reduction Reduction // the zero value is Mean
}

var _ Func = (*BinaryCrossEntropy)(nil)

func (l *BinaryCrossEntropy) check(logits *tensor.Tensor) error {
	_, c, err := matrix("logits", logits)
	if err != nil {
		return err
	}
	if err := labelWeights("label weights", l.Weight, c); err != nil {
		return err
	}
	if err := labelWeights("positive weights", l.PosWeight, c); err != nil {
		return err
	}
	if !(l.Smoothing >= 0 && l.Smoothing <= 1) {
		return fmt.Errorf("loss: label smoothing of %v: it must be between 0 and 1", l.Smoothing)
	}
	return nil
}

// Forward implements Func.
func (l *BinaryCrossEntropy) Forward(logits *tensor.Tensor, y target.Targets, items []float32) (float64, error) {
	if err := l.check(logits); err != nil {
		return 0, err
	}
	return perLabel(l, logits, y, items, nil)
}

// ForwardBackward implements Func.
func (l *BinaryCrossEntropy) ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	if err := l.check(logits); err != nil {
		return 0, err
	}
	return perLabelGradient(l, logits, y, items, dlogits)
}

func (l *BinaryCrossEntropy) element(x, t float64, k int) (loss, gradient float64) {
	w, p := 1.0, 1.0
	if l.Weight != nil {
		w = float64(l.Weight[k])
	}
	if l.PosWeight != nil {
		p = float64(l.PosWeight[k])
	}
	s := sigmoid(x)
	return w * (float64(p*t*softplus(-x)) + float64((1-t)*softplus(x))), w * (float64((1-t)*s) - float64(p*t*(1-s)))
}

func (l *BinaryCrossEntropy) smooth(t float64, labels int, oneHot bool) float64 {
	if oneHot {
		return float64(t*(1-l.Smoothing)) + l.Smoothing/float64(labels)
	}
	return float64(t*(1-l.Smoothing)) + float64(l.Smoothing/2)
}

func (l *BinaryCrossEntropy) checkTargets(y target.Targets, n, c int) error {
	return checkRows(y, n, c)
}

// Reduce implements Func.
func (l *BinaryCrossEntropy) Reduce() Reduction { return l.Reduction }

// String implements Func.
func (l *BinaryCrossEntropy) String() string {
	s := "binary_cross_entropy"
	if l.Smoothing != 0 {
		s += fmt.Sprintf("(eps=%g)", l.Smoothing)
	}
	if l.Weight != nil || l.PosWeight != nil {
		s += " weighted"
	}
	return withReduction(s, l.Reduction)
}

// withReduction appends a reduction that is not the usual one to a loss's name.
func withReduction(s string, r Reduction) string {
	if r != Mean {
		s += " " + r.String()
	}
	return s
}
