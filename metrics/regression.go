package metrics

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Regression are the metrics of numbers, as scikit-learn computes them: of several numbers the
// plain mean of each one's value.
var Regression = Choices{
	{Name: "rmse", Other: []string{"root_mean_squared_error"}, New: RMSE},
	{Name: "mae", Other: []string{"mean_absolute_error"}, New: MAE},
	{Name: "r2_score", Other: []string{"R2Score", "r2"}, New: R2Score},
	{Name: "mse", Other: []string{"mean_squared_error"}, New: MSE},
	{Name: "explained_variance_score", Other: []string{"ExplainedVariance", "explained_variance"}, New: ExplainedVariance},
}

// numbers gathers, for each number that is answered, what its metrics are made of.
type numbers struct {
	name, unit string
	higher     bool
	value      func(s *spread) float64
	of         []spread
}

// spread is the moments of one number's targets and mistakes over all items.
type spread struct {
	n         float64
	absolute  float64 // sum of the mistakes' sizes
	squares   float64 // sum of their squares
	y, d      float64 // means of targets and of mistakes
	ySum2, d2 float64 // sums of squared deviations from these
}

// add takes in an item's target and answer (Welford's update).
func (s *spread) add(y, answer float64) {
	d := answer - y
	s.n++
	s.absolute += math.Abs(d)
	s.squares += float64(d * d)
	step := y - s.y
	s.y += step / s.n
	s.ySum2 += float64(step * (y - s.y))
	step = d - s.d
	s.d += step / s.n
	s.d2 += float64(step * (d - s.d))
}

// merge takes in what o gathered of other items (Chan, Golub and LeVeque 1979).
func (s *spread) merge(o spread) {
	if o.n == 0 {
		return
	}
	n := s.n + o.n
	y, d := o.y-s.y, o.d-s.d
	s.ySum2 += o.ySum2 + y*y*s.n*o.n/n
	s.d2 += o.d2 + d*d*s.n*o.n/n
	s.y += y * o.n / n
	s.d += d * o.n / n
	s.absolute += o.absolute
	s.squares += o.squares
	s.n = n
}

// MAE is the mean absolute error (scikit-learn's mean_absolute_error, fastai's mae), in the
// unit of the numbers.
func MAE() Metric {
	return &numbers{name: "mae", unit: "the numbers' own", value: func(s *spread) float64 { return s.absolute / s.n }}
}

// MSE is the mean squared error (scikit-learn's mean_squared_error, fastai's mse).
func MSE() Metric {
	return &numbers{name: "mse", unit: "squared error", value: func(s *spread) float64 { return s.squares / s.n }}
}

// RMSE is the root of the mean squared error of each number, in its unit
// (scikit-learn's root_mean_squared_error; fastai's rmse takes the root over all numbers together).
func RMSE() Metric {
	return &numbers{name: "rmse", unit: "the numbers' own", value: func(s *spread) float64 { return math.Sqrt(s.squares / s.n) }}
}

// R2Score is the coefficient of determination, 1 for answers without mistake, 0 for what is as
// good as always answering the mean, without lower bound (scikit-learn's r2_score, fastai's R2Score). Where all targets are
// equal it is 1 or 0, with and without mistakes, as scikit-learn has it; of less than two items it is NaN.
func R2Score() Metric {
	return &numbers{name: "r2_score", unit: "share of the variance", higher: true, value: func(s *spread) float64 { return explained(s, s.squares) }}
}

// ExplainedVariance is R2Score without the mean of the mistakes: a model that is always wrong by the
// same has 1 (scikit-learn's explained_variance_score).
func ExplainedVariance() Metric {
	return &numbers{name: "explained_variance_score", unit: "share of the variance", higher: true, value: func(s *spread) float64 { return explained(s, s.d2) }}
}

// explained is the share of the targets' variance that is not left.
func explained(s *spread, left float64) float64 {
	switch {
	case s.n < 2:
		return math.NaN()
	case s.ySum2 != 0:
		return 1 - left/s.ySum2
	case left == 0:
		return 1
	}
	return 0
}

// Name implements Metric.
func (m *numbers) Name() string { return m.name }

// Unit implements Metric.
func (m *numbers) Unit() string { return m.unit }

// HigherIsBetter implements Metric.
func (m *numbers) HigherIsBetter() bool { return m.higher }

// Reset implements Metric.
func (m *numbers) Reset() { clear(m.of) }

// Update implements Metric.
func (m *numbers) Update(answers *tensor.Tensor, y target.Targets) error {
	c, err := checkLabels(m.name, answers, y)
	if err != nil {
		return err
	}
	if len(m.of) != c {
		if m.seen() {
			return fmt.Errorf("metrics: %s: %d numbers an item after items of %d", m.name, c, len(m.of))
		}
		m.of = make([]spread, c)
	}
	for i := range y.Len() {
		for k, t := range y.Row(i) {
			m.of[k].add(float64(t), float64(answers.Data[i*c+k]))
		}
	}
	return nil
}

func (m *numbers) seen() bool { return len(m.of) > 0 && m.of[0].n > 0 }

// Merge implements Metric.
func (m *numbers) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	switch {
	case !o.seen():
		return nil
	case !m.seen():
		m.of = make([]spread, len(o.of))
	case len(m.of) != len(o.of):
		return fmt.Errorf("metrics: %s: %d numbers an item and %d", m.name, len(m.of), len(o.of))
	}
	for k := range m.of {
		m.of[k].merge(o.of[k])
	}
	return nil
}

// Value implements Metric.
func (m *numbers) Value() float64 {
	if !m.seen() {
		return math.NaN()
	}
	sum := 0.0
	for k := range m.of {
		sum += m.value(&m.of[k])
	}
	return sum / float64(len(m.of))
}
