package metrics

import (
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// shareOfLabels is the fraction of something that is counted by comparing each
// label's probability with a threshold.
type shareOfLabels struct {
	name      string
	threshold float32
	// count adds what an item contributes.
	count func(s *share, probs, y []float32, threshold float32)
	share
}

// AccuracyMulti returns the fraction of all items and labels that are answered
// rightly (fastai's accuracy_multi, 1 minus scikit-learn's hamming_loss): a label is
// answered when its probability is above threshold.
func AccuracyMulti(threshold float32) Metric {
	return &shareOfLabels{name: "accuracy_multi", threshold: threshold, count: func(s *share, probs, y []float32, threshold float32) {
		for k, p := range probs {
			if (p > threshold) == has(y[k]) {
				s.hits++
			}
		}
		s.items += len(probs)
	}}
}

// ExactMatch returns the fraction of items whose labels are all answered and
// nothing else (scikit-learn's accuracy_score of several labels).
func ExactMatch(threshold float32) Metric {
	return &shareOfLabels{name: "exact_match", threshold: threshold, count: func(s *share, probs, y []float32, threshold float32) {
		s.items++
		for k, p := range probs {
			if (p > threshold) != has(y[k]) {
				return
			}
		}
		s.hits++
	}}
}

// Name implements Metric.
func (m *shareOfLabels) Name() string { return m.name }

// Unit implements Metric.
func (*shareOfLabels) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*shareOfLabels) HigherIsBetter() bool { return true }

// Update implements Metric.
func (m *shareOfLabels) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := checkLabels(m.name, probs, y)
	if err != nil {
		return err
	}
	for i := range y.Len() {
		m.count(&m.share, probs.Data[i*c:(i+1)*c], y.Row(i), m.threshold)
	}
	return nil
}

// Merge implements Metric.
func (m *shareOfLabels) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	m.add(o.share)
	return nil
}

// Value implements Metric.
func (m *shareOfLabels) Value() float64 { return m.value() }
