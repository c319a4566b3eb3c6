package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// ranking is a metric of how well the probabilities of labels order the items. It
// keeps them all: 5 bytes for each item and label.
type ranking struct {
	name    string
	average Average
	// score judges one label's items, sorted by falling probability; ok is false
	// where it is not defined.
	score func(sorted []ranked) (v float64, ok bool)

	labels int
	probs  []float32 // [items,labels]
	is     []bool
}

// ranked is a label's probability for an item, and whether the item has it.
type ranked struct {
	p  float32
	is bool
}

// AveragePrecision returns the area under the curve of precision against recall, as
// scikit-learn's average_precision_score has it: the sum over falling thresholds of
// precision times the recall that is won. Under Macro, the mean over labels is what is
// called mAP. A label that no item has counts 0. average is Macro, Weighted, Micro or Samples.
func AveragePrecision(average Average) Metric {
	return newRanking("average_precision_score", average, func(sorted []ranked) (float64, bool) {
		var right, all, last, area float64
		for _, r := range sorted {
			if r.is {
				all++
			}
		}
		if all == 0 {
			return 0, true
		}
		for i, r := range sorted {
			if r.is {
				right++
			}
			if i+1 < len(sorted) && sorted[i+1].p == r.p {
				continue // no threshold divides them
			}
			area += (right - last) / all * right / float64(i+1)
			last = right
		}
		return area, true
	})
}

// ROCAUC returns the area under the receiver operating characteristic
// (scikit-learn's roc_auc_score, fastai's RocAucMulti): how likely an item that has the label is
// more probable than one that has not, ties counting half. A label that all items
// have, or none, is left out of the mean; scikit-learn's is not defined then. average is Macro, Weighted,
// Micro or Samples.
func ROCAUC(average Average) Metric {
	return newRanking("roc_auc_score", average, func(sorted []ranked) (float64, bool) {
		var with, without, area float64
		for i := 0; i < len(sorted); {
			var a, b float64
			j := i
			for ; j < len(sorted) && sorted[j].p == sorted[i].p; j++ {
				if sorted[j].is {
					a++
				} else {
					b++
				}
			}
			area += float64(b * (with + float64(a/2)))
			with, without, i = with+a, without+b, j
		}
		if with == 0 || without == 0 {
			return 0, false
		}
		return area / (with * without), true
	})
}

func newRanking(name string, average Average, score func([]ranked) (float64, bool)) Metric {
	if average != Macro {
		name += "_" + average.String()
	}
	return &ranking{name: name, average: average, score: score}
}

// Name implements Metric.
func (m *ranking) Name() string { return m.name }

// Unit implements Metric.
func (*ranking) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*ranking) HigherIsBetter() bool { return true }

// Reset implements Metric.
func (m *ranking) Reset() { m.probs, m.is = m.probs[:0], m.is[:0] }

// Update implements Metric. It takes logits as well, except for Micro and Samples.
func (m *ranking) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := checkLabels(m.name, probs, y)
	if err != nil {
		return err
	}
	if m.average == Binary || m.average < Macro || m.average > Samples {
		return fmt.Errorf("metrics: %s: an average of %v of several labels: use Macro, Weighted, Micro or Samples", m.name, m.average)
	}
	if len(m.probs) > 0 && c != m.labels {
		return fmt.Errorf("metrics: %s: a batch with %d labels after batches with %d: call Reset between models", m.name, c, m.labels)
	}
	m.labels = c
	m.probs = append(m.probs, probs.Data...)
	for _, t := range y.Values.Data {
		m.is = append(m.is, has(t))
	}
	return nil
}

// Merge implements Metric.
func (m *ranking) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	if len(o.probs) == 0 {
		return nil
	}
	if len(m.probs) > 0 && o.labels != m.labels {
		return fmt.Errorf("metrics: %s: %d labels cannot be added to %d", m.name, o.labels, m.labels)
	}
	m.labels = o.labels
	m.probs = append(m.probs, o.probs...)
	m.is = append(m.is, o.is...)
	return nil
}

// Value implements Metric. It is NaN where no label's value is defined, and for
// probabilities that are not numbers.
func (m *ranking) Value() float64 {
	if len(m.probs) == 0 || slices.ContainsFunc(m.probs, func(p float32) bool { return p != p }) {
		return math.NaN()
	}
	n, c := len(m.probs)/m.labels, m.labels
	lists, length, at := c, n, func(list, i int) int { return i*c + list }
	switch m.average {
	case Micro:
		lists, length, at = 1, n*c, func(_, i int) int { return i }
	case Samples:
		lists, length, at = n, c, func(list, i int) int { return list*c + i }
	}
	var values, weights []float64
	sorted := make([]ranked, length)
	for list := range lists {
		with := 0.0
		for i := range sorted {
			k := at(list, i)
			sorted[i] = ranked{m.probs[k], m.is[k]}
			if m.is[k] {
				with++
			}
		}
		slices.SortFunc(sorted, func(a, b ranked) int { return cmp.Compare(b.p, a.p) })
		v, ok := m.score(sorted)
		if !ok {
			continue
		}
		w := 1.0
		if m.average == Weighted {
			w = with
		}
		values, weights = append(values, w*v), append(weights, w)
	}
	if len(values) == 0 {
		return math.NaN()
	}
	return orderlessSum(values) / orderlessSum(weights)
}

// orderlessSum returns the sum of v, which it sorts, so that it has the same bits
// for the parts of a data set in any order.
func orderlessSum(v []float64) float64 {
	slices.Sort(v)
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum
}
