package metrics

import (
	"fmt"

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
func (m *TopKMetric) Update(probs *tensor.Tensor, classes []int) error {
	c, err := check(m.Name(), probs, classes)
	if err != nil {
		return err
	}
	for i, k := range classes {
		row := probs.Data[i*c : (i+1)*c]
		before := 0 // classes that rank before the true one
		for j, v := range row {
			if greater(v, row[k]) || (j < k && !greater(row[k], v)) {
				before++
			}
		}
		if before < m.k {
			m.hits.hits++
		}
	}
	m.hits.items += len(classes)
	return nil
}

// Value implements Metric.
func (m *TopKMetric) Value() float64 { return m.hits.value() }
