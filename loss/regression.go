package loss

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Distance is how a Regression measures a mistake d.
type Distance int

const (
	Squared  Distance = iota // d² (nn.MSELoss): large mistakes count most
	Absolute                 // |d| (nn.L1Loss): all count alike, wrong targets disturb little
	Smooth                   // d²/2 up to |d| = 1, beyond that |d|-1/2 (nn.SmoothL1Loss)
)

// String returns the name that the command takes.
func (d Distance) String() string {
	switch d {
	case Squared:
		return "mse"
	case Absolute:
		return "l1"
	case Smooth:
		return "smooth_l1"
	}
	return fmt.Sprintf("Distance(%d)", int(d))
}

// Regression compares the network's outputs with numbers. Mean divides by the number of
// items times numbers, as PyTorch does.
//
// With a range, Low < High, the output x becomes Low + (High-Low)·sigmoid(x) first (fastai's
// y_range and sigmoid_range), so that every answer lies within it.
type Regression struct {
	Distance  Distance
	Low, High float64   // both 0: no range
	Reduction Reduction // the zero value is Mean
}

var _ Func = (*Regression)(nil)

// Answer is what an output of the network stands for, and its derivative.
func (l *Regression) Answer(x float64) (answer, derivative float64) {
	if l.Low == l.High {
		return x, 1
	}
	s := sigmoid(x)
	return l.Low + float64((l.High-l.Low)*s), (l.High - l.Low) * s * (1 - s)
}

// Forward implements Func.
func (l *Regression) Forward(logits *tensor.Tensor, y target.Targets, items []float32) (float64, error) {
	return perLabel(l, logits, y, items, nil)
}

// ForwardBackward implements Func.
func (l *Regression) ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	return perLabelGradient(l, logits, y, items, dlogits)
}

func (l *Regression) element(x, t float64, _ int) (loss, gradient float64) {
	p, slope := l.Answer(x)
	d := p - t
	switch {
	case l.Distance == Squared:
		return d * d, 2 * d * slope
	case l.Distance == Smooth && math.Abs(d) < 1:
		return d * d / 2, d * slope
	}
	v := math.Abs(d)
	if l.Distance == Smooth {
		v -= 0.5
	}
	switch {
	case d > 0:
		return v, slope
	case d < 0:
		return v, -slope
	}
	return v, d * slope // 0, or NaN
}

func (l *Regression) smooth(t float64, _ int, _ bool) float64 { return t }

func (l *Regression) checkTargets(y target.Targets, n, c int) error {
	if err := y.CheckValues(n, c); err != nil {
		return fmt.Errorf("loss: %w", err)
	}
	if l.Distance < Squared || l.Distance > Smooth {
		return fmt.Errorf("loss: unknown distance %v: use Squared, Absolute or Smooth", l.Distance)
	}
	return nil
}

// Reduce implements Func.
func (l *Regression) Reduce() Reduction { return l.Reduction }

// String implements Func.
func (l *Regression) String() string {
	s := l.Distance.String()
	if l.Low != l.High {
		s += fmt.Sprintf("(range %g to %g)", l.Low, l.High)
	}
	return withReduction(s, l.Reduction)
}
