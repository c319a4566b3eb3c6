package metrics

import (
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// MatthewsMetric is the Matthews correlation coefficient for any number of
// classes (Gorodkin 2004; fastai's MatthewsCorrCoef, scikit-learn's
// matthews_corrcoef): the correlation of actual and predicted classes, 1 for
// perfect answers, 0 for answers that have nothing to do with the truth or are
// all the same.
type MatthewsMetric struct{ counts }

// MatthewsCorrCoef returns a new Matthews metric. It takes logits as well.
func MatthewsCorrCoef() Metric { return &MatthewsMetric{} }

// Name implements Metric.
func (*MatthewsMetric) Name() string { return "matthews_corrcoef" }

// Unit implements Metric.
func (*MatthewsMetric) Unit() string { return "correlation" }

// HigherIsBetter implements Metric.
func (*MatthewsMetric) HigherIsBetter() bool { return true }

// Update implements Metric.
func (m *MatthewsMetric) Update(probs *tensor.Tensor, y target.Targets) error {
	return m.update(m.Name(), probs, y)
}

// Merge implements Metric.
func (m *MatthewsMetric) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	return m.add(m.Name(), &o.counts)
}

// Value implements Metric.
func (m *MatthewsMetric) Value() float64 {
	if m.items == 0 {
		return math.NaN()
	}
	n := float64(m.items)
	// Covariances of the one-hot actual (t) and predicted (p) classes, times n².
	tp, tt, pp := 0.0, n*n, n*n
	for k := range m.classes {
		right, predicted, actual := m.class(k)
		tp += float64(n*right) - float64(predicted*actual)
		tt -= float64(actual * actual)
		pp -= float64(predicted * predicted)
	}
	return ratio(tp, math.Sqrt(tt*pp))
}
