package metrics

import "math"

// Mean is a mean over items known batch by batch (fastai's AvgMetric and
// AvgLoss): each batch's mean weighs as much as the batch has items. The zero
// value is ready. It is not safe for concurrent use.
type Mean struct {
	sum   float64
	items int
}

// Add takes in the mean value of a batch of n items.
func (m *Mean) Add(value float64, n int) {
	m.sum += value * float64(n)
	m.items += n
}

// Items returns how many items have been added.
func (m *Mean) Items() int { return m.items }

// Value returns the mean, NaN when there were no items.
func (m *Mean) Value() float64 {
	if m.items == 0 {
		return math.NaN()
	}
	return m.sum / float64(m.items)
}

// Reset forgets everything.
func (m *Mean) Reset() { *m = Mean{} }
