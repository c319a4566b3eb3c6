// Package metrics measures how good a classifier's answers are: error rate,
// accuracy, top-k, precision, recall, F-beta, Matthews correlation and others,
// and keeps the weighted and smoothed means that training reports.
package metrics

import (
	"fmt"
	"math"

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

	// Update takes in a batch: the probabilities of N items [N,C], and their
	// true classes. Metrics that only compare scores with each other take
	// logits as well; those that do not say so. An error (shapes that disagree,
	// a class out of range) leaves the metric as it was.
	Update(probs *tensor.Tensor, classes []int) error

	// Value returns the metric over all batches since Reset; NaN when there
	// were no items.
	Value() float64
}

// check returns the number of classes of a batch after checking its shapes.
func check(name string, probs *tensor.Tensor, classes []int) (c int, err error) {
	if probs == nil || len(probs.Shape) != 2 || probs.Shape[1] < 1 {
		return 0, fmt.Errorf("metrics: %s: probabilities of shape %v: [items, classes] is needed, with at least one class", name, shapeOf(probs))
	}
	n, c := probs.Shape[0], probs.Shape[1]
	if len(probs.Data) != n*c {
		return 0, fmt.Errorf("metrics: %s: probabilities of shape %v with %d values", name, probs.Shape, len(probs.Data))
	}
	if len(classes) != n {
		return 0, fmt.Errorf("metrics: %s: %d classes for %d rows of probabilities: one is needed for each row", name, len(classes), n)
	}
	for i, k := range classes {
		if k < 0 || k >= c {
			return 0, fmt.Errorf("metrics: %s: class %d of the batch is %d, but there are %d classes: it must be in 0..%d", name, i, k, c, c-1)
		}
	}
	return c, nil
}

func shapeOf(t *tensor.Tensor) []int {
	if t == nil {
		return nil
	}
	return t.Shape
}

// argmax returns the place of the largest score, of equal ones the first. NaN
// counts as largest, as in torch.argmax.
func argmax(row []float32) int {
	best := 0
	for j, v := range row {
		if greater(v, row[best]) {
			best = j
		}
	}
	return best
}

// greater orders scores with NaN on top.
func greater(a, b float32) bool { return a > b || (a != a && b == b) }

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

func (s *share) value() float64 {
	if s.items == 0 {
		return math.NaN()
	}
	return float64(s.hits) / float64(s.items)
}
