// Package metrics measures how good a classifier's answers are: error rate,
// accuracy, top-k, precision, recall, F-beta, Matthews correlation and others; for
// items with several labels also average precision and the area under the ROC curve.
package metrics

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Metric is one number about a model's answers to a whole data set, gathered
// batch by batch. Implementations are not safe for concurrent use.
type Metric interface {
	// Name is fastai's name of the metric ("error_rate"), unique among the
	// metrics of one training; it heads the column of history.csv.
	Name() string

	// Unit says what Value is measured in: "fraction" for values in [0,1],
	// "correlation" for values in [-1,1], "squared error", "loss".
	Unit() string

	// HigherIsBetter tells early stopping and save-best which way is up.
	HigherIsBetter() bool

	// Reset forgets all batches. It is called before each validation.
	Reset()

	// Update takes in a batch: the probabilities of N items [N,C], as the task
	// makes them of scores, and their targets. Metrics that only compare scores
	// with each other take logits as well; those that do not say so. An error
	// (shapes that disagree, a class out of range, targets of another form)
	// leaves the metric as it was.
	Update(probs *tensor.Tensor, y target.Targets) error

	// Merge takes in what other, a metric made alike, has gathered of further
	// items, so that parts of a data set may be judged apart. It returns an error
	// for a metric of another kind, and leaves m as it was.
	Merge(other Metric) error

	// Value returns the metric over all batches since Reset; NaN when there
	// were no items.
	Value() float64
}

// check returns the number of classes of a batch after checking its shapes.
func check(name string, probs *tensor.Tensor, y target.Targets) (c int, err error) {
	if probs == nil || len(probs.Shape) != 2 || probs.Shape[1] < 1 {
		return 0, fmt.Errorf("metrics: %s: probabilities of shape %v: [items, classes] is needed, with at least one class", name, shapeOf(probs))
	}
	n, c := probs.Shape[0], probs.Shape[1]
	if len(probs.Data) != n*c {
		return 0, fmt.Errorf("metrics: %s: probabilities of shape %v with %d values", name, probs.Shape, len(probs.Data))
	}
	if err := y.CheckClasses(n, c); err != nil {
		return 0, fmt.Errorf("metrics: %s: %w", name, err)
	}
	return c, nil
}

func shapeOf(t *tensor.Tensor) []int {
	if t == nil {
		return nil
	}
	return t.Shape
}

// ratio is num/den, and 0 for a denominator of 0, as scikit-learn takes it.
func ratio(num, den float64) float64 {
	if den == 0 {
		return 0
	}
	return num / den
}

// share counts items that have a property.
type share struct{ hits, items int }

func (s *share) Reset() { *s = share{} }

func (s *share) add(o share) {
	s.hits += o.hits
	s.items += o.items
}

func (s *share) value() float64 {
	if s.items == 0 {
		return math.NaN()
	}
	return float64(s.hits) / float64(s.items)
}
