package loss

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Asymmetric is the asymmetric loss for several labels an item (Ridnik et al. 2020,
// https://arxiv.org/abs/2009.14119; timm's AsymmetricLossMultiLabel). Most labels are
// absent from most pictures; it lets the easy ones of those count less, and ignores the
// easiest. For score x and target t, with p = sigmoid(x) and q = min(1-p+Clip, 1), it is
//
//	-w[k] · (1-pt)^gamma · (t·log(p) + (1-t)·log(q))
//	pt = t·p + (1-t)·q,  gamma = t·GammaPos + (1-t)·GammaNeg
//
// Sum is the paper's reduction; Mean divides by the number of items times labels, so
// that its gradients are smaller by that factor.
type Asymmetric struct {
	GammaNeg  float64   // at least 0; the paper's 4 in NewAsymmetric
	GammaPos  float64   // at least 0; 1
	Clip      float64   // how much is added to 1-p of absent labels, in [0,1]; 0.05
	Smoothing float64   // of labels, in [0,1]: t becomes t·(1-eps) + eps/2; 0 means none
	Weight    []float32 // a factor for each label, 0 or more; nil means 1
	Reduction Reduction // the zero value is Mean
}

// NewAsymmetric returns the loss with timm's and the paper's settings: 4, 1 and 0.05.
func NewAsymmetric() *Asymmetric { return &Asymmetric{GammaNeg: 4, GammaPos: 1, Clip: 0.05} }

var _ Func = (*Asymmetric)(nil)

func (l *Asymmetric) check(logits *tensor.Tensor) error {
	_, c, err := matrix("logits", logits)
	if err != nil {
		return err
	}
	if err := labelWeights("label weights", l.Weight, c); err != nil {
		return err
	}
	if !(l.Smoothing >= 0 && l.Smoothing <= 1) {
		return fmt.Errorf("loss: label smoothing of %v: it must be between 0 and 1", l.Smoothing)
	}
	if !(l.GammaNeg >= 0) || !(l.GammaPos >= 0) || math.IsInf(l.GammaNeg+l.GammaPos, 0) {
		return fmt.Errorf("loss: asymmetric loss with gammas %v and %v: they must be finite and 0 or more", l.GammaNeg, l.GammaPos)
	}
	if !(l.Clip >= 0 && l.Clip <= 1) {
		return fmt.Errorf("loss: asymmetric loss with a clip of %v: it must be between 0 and 1", l.Clip)
	}
	return nil
}

// Forward implements Func.
func (l *Asymmetric) Forward(logits *tensor.Tensor, y target.Targets, items []float32) (float64, error) {
	if err := l.check(logits); err != nil {
		return 0, err
	}
	return perLabel(l, logits, y, items, nil)
}

// ForwardBackward implements Func.
func (l *Asymmetric) ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	if err := l.check(logits); err != nil {
		return 0, err
	}
	return perLabelGradient(l, logits, y, items, dlogits)
}

// leastLog is the probability below which the logarithm is cut off, as in timm.
const leastLog = 1e-8

func (l *Asymmetric) element(x, t float64, k int) (loss, gradient float64) {
	p, absent := sigmoid(x), sigmoid(-x)
	slope := p * absent // dp/dx
	q, qSlope := math.Min(absent+l.Clip, 1), -slope
	if q == 1 {
		qSlope = 0 // the label counts no more
	}
	log := float64(t*math.Log(math.Max(p, leastLog))) + float64((1-t)*math.Log(math.Max(q, leastLog)))
	logSlope := 0.0
	if p >= leastLog {
		logSlope += float64(t * absent)
	}
	if q >= leastLog {
		logSlope += (1 - t) * qSlope / q
	}
	rest := float64(t*absent) + float64((1-t)*math.Max(p-l.Clip, 0)) // 1-pt
	gamma := float64(t*l.GammaPos) + float64((1-t)*l.GammaNeg)
	focus := math.Pow(rest, gamma)
	focusSlope := 0.0
	if gamma > 0 && rest > 0 {
		focusSlope = -gamma * focus / rest * (float64(t*slope) + float64((1-t)*qSlope))
	}
	w := -1.0
	if l.Weight != nil {
		w = -float64(l.Weight[k])
	}
	return w * focus * log, w * (float64(focusSlope*log) + float64(focus*logSlope))
}

func (l *Asymmetric) smooth(t float64, _ int, _ bool) float64 {
	return float64(t*(1-l.Smoothing)) + float64(l.Smoothing/2)
}

func (l *Asymmetric) checkTargets(y target.Targets, n, c int) error { return checkRows(y, n, c) }

// Reduce implements Func.
func (l *Asymmetric) Reduce() Reduction { return l.Reduction }

// String implements Func.
func (l *Asymmetric) String() string {
	s := fmt.Sprintf("asymmetric(gamma_neg=%g, gamma_pos=%g, clip=%g", l.GammaNeg, l.GammaPos, l.Clip)
	if l.Smoothing != 0 {
		s += fmt.Sprintf(", eps=%g", l.Smoothing)
	}
	s += ")"
	if l.Weight != nil {
		s += " weighted"
	}
	return withReduction(s, l.Reduction)
}
