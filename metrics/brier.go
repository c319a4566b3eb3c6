package metrics

import (
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// BrierMetric is Brier's score as he defined it (1950), for any number of
// classes: the mean over items of the summed squared differences between the
// probabilities and the one-hot truth, from 0 (certain and right) to 2 (certain
// and wrong). For two classes it is twice scikit-learn's brier_score_loss,
// which looks at one class. It needs probabilities, not logits.
type BrierMetric struct {
	sum   float64
	items int
}

// Brier returns a new Brier-score metric.
func Brier() Metric { return &BrierMetric{} }

// Name implements Metric.
func (*BrierMetric) Name() string { return "brier_score" }

// Unit implements Metric.
func (*BrierMetric) Unit() string { return "squared error" }

// HigherIsBetter implements Metric.
func (*BrierMetric) HigherIsBetter() bool { return false }

// Reset implements Metric.
func (m *BrierMetric) Reset() { *m = BrierMetric{} }

// Update implements Metric.
func (m *BrierMetric) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := check(m.Name(), probs, y)
	if err != nil {
		return err
	}
	for i, k := range y.Class {
		for j, v := range probs.Data[i*c : (i+1)*c] {
			d := float64(v)
			if j == k {
				d--
			}
			m.sum += float64(d * d)
		}
	}
	m.items += y.Len()
	return nil
}

// Merge implements Metric.
func (m *BrierMetric) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	m.sum += o.sum
	m.items += o.items
	return nil
}

// Value implements Metric.
func (m *BrierMetric) Value() float64 {
	if m.items == 0 {
		return math.NaN()
	}
	return m.sum / float64(m.items)
}
