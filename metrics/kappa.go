package metrics

import (
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// KappaMetric is Cohen's kappa (1960; fastai's CohenKappa, scikit-learn's
// cohen_kappa_score, unweighted): how far accuracy exceeds what chance would
// give with the same class frequencies, as a share of what it could. It is NaN
// when actual and predicted are one and the same class throughout, as in
// scikit-learn.
type KappaMetric struct{ counts }

// CohenKappa returns a new kappa metric. It takes logits as well.
func CohenKappa() Metric { return &KappaMetric{} }

// Name implements Metric.
func (*KappaMetric) Name() string { return "cohen_kappa_score" }

// Unit implements Metric.
func (*KappaMetric) Unit() string { return "correlation" }

// HigherIsBetter implements Metric.
func (*KappaMetric) HigherIsBetter() bool { return true }

// Update implements Metric.
func (m *KappaMetric) Update(probs *tensor.Tensor, y target.Targets) error {
	return m.update(m.Name(), probs, y)
}

// Merge implements Metric.
func (m *KappaMetric) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	return m.add(m.Name(), &o.counts)
}

// Value implements Metric.
func (m *KappaMetric) Value() float64 {
	if m.items == 0 {
		return math.NaN()
	}
	n := float64(m.items)
	var agree, chance float64
	for k := range m.classes {
		right, predicted, actual := m.class(k)
		agree += right / n
		chance += predicted / n * actual / n
	}
	if chance == 1 {
		return math.NaN()
	}
	return (agree - chance) / (1 - chance)
}
