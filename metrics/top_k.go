package metrics

import (
	"fmt"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// TopKMetric is the fraction of items whose true class is among the K most
// probable ones (fastai's top_k_accuracy). Of equally probable classes the first
// counts as more probable. With K classes or fewer it is always 1.
type TopKMetric struct {
	k    int
	hits share
}

// TopKAccuracy returns a new top-k metric; fastai's k is 5. k below 1 is taken
// as 1. It takes logits as well.
func TopKAccuracy(k int) Metric { return &TopKMetric{k: max(k, 1)} }

// Name implements Metric: "top_5_accuracy" for k = 5.
func (m *TopKMetric) Name() string { return fmt.Sprintf("top_%d_accuracy", m.k) }

// Unit implements Metric.
func (*TopKMetric) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*TopKMetric) HigherIsBetter() bool { return true }

// Reset implements Metric.
func (m *TopKMetric) Reset() { m.hits.Reset() }

// Update implements Metric.
func (m *TopKMetric) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := check(m.Name(), probs, y)
	if err != nil {
		return err
	}
	for i, k := range y.Class {
		row := probs.Data[i*c : (i+1)*c]
		before := 0 // classes that rank before the true one
		for j, v := range row {
			if tensor.Greater(v, row[k]) || (j < k && !tensor.Greater(row[k], v)) {
				before++
			}
		}
		if before < m.k {
			m.hits.hits++
		}
	}
	m.hits.items += y.Len()
	return nil
}

// Merge implements Metric.
func (m *TopKMetric) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	m.hits.add(o.hits)
	return nil
}

// Value implements Metric.
func (m *TopKMetric) Value() float64 { return m.hits.value() }
