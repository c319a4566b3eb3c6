package metrics

import (
	"fmt"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// classScore is a metric with one value for each class, averaged.
type classScore struct {
	name    string
	average Average
	score   func(right, predicted, actual float64) float64
	counts
}

// Name implements Metric.
func (m *classScore) Name() string { return m.name }

// Unit implements Metric.
func (*classScore) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*classScore) HigherIsBetter() bool { return true }

// Update implements Metric.
func (m *classScore) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := check(m.name, probs, y)
	if err != nil {
		return err
	}
	if err := m.average.suits(m.name, c); err != nil {
		return err
	}
	return m.update(m.name, probs, y)
}

// Merge implements Metric.
func (m *classScore) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	if o.average != m.average {
		return fmt.Errorf("metrics: %s: an average of %v cannot be merged into a %v one: merge metrics that were made alike", m.name, o.average, m.average)
	}
	return m.add(m.name, &o.counts)
}

// Value implements Metric.
func (m *classScore) Value() float64 { return m.average.over(&m.counts, m.score) }

// FBeta returns a new F-beta metric (fastai's FBeta, scikit-learn's
// fbeta_score): (1+b²)·right / (b²·actual + predicted), the harmonic mean of
// precision and recall in which recall weighs b² times as much. Classes neither
// actual nor predicted count 0 where they are counted. It takes logits as well.
// beta must be above 0.
func FBeta(beta float64, average Average) Metric {
	b2 := beta * beta
	return &classScore{
		name: fmt.Sprintf("f%g_score", beta), average: average,
		score: func(right, predicted, actual float64) float64 {
			return ratio((1+b2)*right, float64(b2*actual)+predicted)
		},
	}
}

// F1Score is FBeta(1, average), the harmonic mean of precision and recall
// (fastai's F1Score).
func F1Score(average Average) Metric { return FBeta(1, average) }
