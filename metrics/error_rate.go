package metrics

import (
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// ErrorRateMetric is the fraction of items whose most probable class is not
// the true one (fastai's error_rate), 1 - accuracy.
type ErrorRateMetric struct{ wrong share }

// ErrorRate returns a new error-rate metric. It takes logits as well.
func ErrorRate() Metric { return &ErrorRateMetric{} }

// Name implements Metric.
func (*ErrorRateMetric) Name() string { return "error_rate" }

// Unit implements Metric.
func (*ErrorRateMetric) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*ErrorRateMetric) HigherIsBetter() bool { return false }

// Reset implements Metric.
func (m *ErrorRateMetric) Reset() { m.wrong.Reset() }

// Update implements Metric.
func (m *ErrorRateMetric) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := check(m.Name(), probs, y)
	if err != nil {
		return err
	}
	for i, k := range y.Class {
		if tensor.Argmax(probs.Data[i*c:(i+1)*c]) != k {
			m.wrong.hits++
		}
	}
	m.wrong.items += y.Len()
	return nil
}

// Merge implements Metric.
func (m *ErrorRateMetric) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	m.wrong.add(o.wrong)
	return nil
}

// Value implements Metric.
func (m *ErrorRateMetric) Value() float64 { return m.wrong.value() }
