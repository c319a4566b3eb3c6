package metrics

import (
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// BalancedMetric is the mean recall of the classes that have items (fastai's
// BalancedAccuracy, scikit-learn's balanced_accuracy_score): accuracy in which
// a rare class weighs as much as a common one.
type BalancedMetric struct{ counts }

// BalancedAccuracy returns a new balanced-accuracy metric. It takes logits as
// well.
func BalancedAccuracy() Metric { return &BalancedMetric{} }

// Name implements Metric.
func (*BalancedMetric) Name() string { return "balanced_accuracy_score" }

// Unit implements Metric.
func (*BalancedMetric) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*BalancedMetric) HigherIsBetter() bool { return true }

// Update implements Metric.
func (m *BalancedMetric) Update(probs *tensor.Tensor, y target.Targets) error {
	return m.update(m.Name(), probs, y)
}

// Merge implements Metric.
func (m *BalancedMetric) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	return m.add(m.Name(), &o.counts)
}

// Value implements Metric.
func (m *BalancedMetric) Value() float64 {
	if m.items == 0 {
		return math.NaN()
	}
	var sum, present float64
	for k := range m.classes {
		if right, _, actual := m.class(k); actual > 0 {
			sum += right / actual
			present++
		}
	}
	return sum / present
}
