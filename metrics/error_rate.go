package metrics

import "github.com/whippet-ml/whippet/tensor"

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
func (m *ErrorRateMetric) Update(probs *tensor.Tensor, classes []int) error {
	c, err := check(m.Name(), probs, classes)
	if err != nil {
		return err
	}
	for i, k := range classes {
		if argmax(probs.Data[i*c:(i+1)*c]) != k {
			m.wrong.hits++
		}
	}
	m.wrong.items += len(classes)
	return nil
}

// Value implements Metric.
func (m *ErrorRateMetric) Value() float64 { return m.wrong.value() }
