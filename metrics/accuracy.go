package metrics

import (
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// AccuracyMetric is the fraction of items whose most probable class is the true
// one (fastai's accuracy).
type AccuracyMetric struct{ right share }

// Accuracy returns a new accuracy metric. It takes logits as well.
func Accuracy() Metric { return &AccuracyMetric{} }

// Name implements Metric.
func (*AccuracyMetric) Name() string { return "accuracy" }

// Unit implements Metric.
func (*AccuracyMetric) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*AccuracyMetric) HigherIsBetter() bool { return true }

// Reset implements Metric.
func (m *AccuracyMetric) Reset() { m.right.Reset() }

// Update implements Metric.
func (m *AccuracyMetric) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := check(m.Name(), probs, y)
	if err != nil {
		return err
	}
	for i, k := range y.Class {
		if tensor.Argmax(probs.Data[i*c:(i+1)*c]) == k {
			m.right.hits++
		}
	}
	m.right.items += y.Len()
	return nil
}

// Merge implements Metric.
func (m *AccuracyMetric) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	m.right.add(o.right)
	return nil
}

// Value implements Metric.
func (m *AccuracyMetric) Value() float64 { return m.right.value() }
