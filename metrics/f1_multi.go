package metrics

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// labelScore is a metric of how often labels were rightly answered, answered, and
// there, averaged over labels or items.
type labelScore struct {
	name      string
	threshold float32
	average   Average
	score     func(right, predicted, actual float64) float64

	right, predicted, actual []int // of each label
	items                    int
	sum                      int64 // of the items' own scores, for Samples, in units of sampleUnit
}

// sampleUnit is the unit in which scores of items are added: integers have the same
// sum in any order, so that parts of a data set may be judged apart.
const sampleUnit = 1 << 40

// F1ScoreMulti returns the harmonic mean of precision and recall over items that
// have several labels (fastai's F1ScoreMulti, scikit-learn's f1_score): a label is
// answered when its probability is above threshold. average is Macro (every label counts
// alike, also one that never occurs, with 0), Weighted, Micro or Samples.
func F1ScoreMulti(threshold float32, average Average) Metric {
	return FBetaMulti(1, threshold, average)
}

// FBetaMulti is F1ScoreMulti in which recall weighs beta² times as much as precision
// (fastai's FBetaMulti).
func FBetaMulti(beta float64, threshold float32, average Average) Metric {
	b2 := beta * beta
	return newLabelScore(fmt.Sprintf("f%g_score", beta), threshold, average, func(right, predicted, actual float64) float64 {
		return ratio((1+b2)*right, float64(b2*actual)+predicted)
	})
}

// PrecisionMulti returns the fraction of answered labels that are there (fastai's
// PrecisionMulti). See F1ScoreMulti for threshold and average.
func PrecisionMulti(threshold float32, average Average) Metric {
	return newLabelScore("precision_score", threshold, average, func(right, predicted, _ float64) float64 { return ratio(right, predicted) })
}

// RecallMulti returns the fraction of present labels that are answered (fastai's
// RecallMulti). See F1ScoreMulti for threshold and average.
func RecallMulti(threshold float32, average Average) Metric {
	return newLabelScore("recall_score", threshold, average, func(right, _, actual float64) float64 { return ratio(right, actual) })
}

// JaccardMulti returns intersection over union of answered and present labels
// (fastai's JaccardMulti). See F1ScoreMulti for threshold and average.
func JaccardMulti(threshold float32, average Average) Metric {
	return newLabelScore("jaccard_score", threshold, average, func(right, predicted, actual float64) float64 {
		return ratio(right, predicted+actual-right)
	})
}

func newLabelScore(name string, threshold float32, average Average, score func(right, predicted, actual float64) float64) Metric {
	if average != Macro {
		name += "_" + average.String()
	}
	return &labelScore{name: name, threshold: threshold, average: average, score: score}
}

// Name implements Metric.
func (m *labelScore) Name() string { return m.name }

// Unit implements Metric.
func (*labelScore) Unit() string { return "fraction" }

// HigherIsBetter implements Metric.
func (*labelScore) HigherIsBetter() bool { return true }

// Reset implements Metric.
func (m *labelScore) Reset() {
	clear(m.right)
	clear(m.predicted)
	clear(m.actual)
	m.items, m.sum = 0, 0
}

// Update implements Metric.
func (m *labelScore) Update(probs *tensor.Tensor, y target.Targets) error {
	c, err := checkLabels(m.name, probs, y)
	if err != nil {
		return err
	}
	if m.average == Binary || m.average < Macro || m.average > Samples {
		return fmt.Errorf("metrics: %s: an average of %v of several labels: use Macro, Weighted, Micro or Samples", m.name, m.average)
	}
	if err := m.size(c); err != nil {
		return err
	}
	for i := range y.Len() {
		row := y.Row(i)
		var right, predicted, actual int
		for k, p := range probs.Data[i*c : (i+1)*c] {
			says, is := p > m.threshold, has(row[k])
			if says {
				m.predicted[k]++
				predicted++
			}
			if is {
				m.actual[k]++
				actual++
			}
			if says && is {
				m.right[k]++
				right++
			}
		}
		m.sum += int64(math.Round(sampleUnit * m.score(float64(right), float64(predicted), float64(actual))))
	}
	m.items += y.Len()
	return nil
}

// size makes room for c labels.
func (m *labelScore) size(c int) error {
	if len(m.right) == c {
		return nil
	}
	if m.items > 0 {
		return fmt.Errorf("metrics: %s: a batch with %d labels after batches with %d: call Reset between models", m.name, c, len(m.right))
	}
	m.right, m.predicted, m.actual = make([]int, c), make([]int, c), make([]int, c)
	return nil
}

// Merge implements Metric.
func (m *labelScore) Merge(other Metric) error {
	o, err := same(m, other)
	if err != nil {
		return err
	}
	if o.threshold != m.threshold {
		return fmt.Errorf("metrics: %s with a threshold of %v cannot be merged into one of %v: merge metrics that were made alike", m.name, o.threshold, m.threshold)
	}
	if o.items == 0 {
		return nil
	}
	if err := m.size(len(o.right)); err != nil {
		return err
	}
	for k := range m.right {
		m.right[k] += o.right[k]
		m.predicted[k] += o.predicted[k]
		m.actual[k] += o.actual[k]
	}
	m.items += o.items
	m.sum += o.sum
	return nil
}

// Value implements Metric.
func (m *labelScore) Value() float64 {
	if m.items == 0 {
		return math.NaN()
	}
	if m.average == Samples {
		return float64(m.sum) / sampleUnit / float64(m.items)
	}
	var sum, weights float64
	var right, predicted, actual float64
	for k := range m.right {
		r, p, a := float64(m.right[k]), float64(m.predicted[k]), float64(m.actual[k])
		right, predicted, actual = right+r, predicted+p, actual+a
		w := 1.0
		if m.average == Weighted {
			w = a
		}
		sum += float64(w * m.score(r, p, a))
		weights += w
	}
	if m.average == Micro {
		return m.score(right, predicted, actual)
	}
	return ratio(sum, weights)
}
