package interpret

import "math"

// ClassScores is precision, recall and F1 of one class or of an average over
// classes, each in 0..1, and the number of examples behind them.
type ClassScores struct {
	Name      string  `json:"name"`      // class, or the name of the average
	Precision float64 `json:"precision"` // of those predicted as this class, the share that is
	Recall    float64 `json:"recall"`    // of this class's examples, the share predicted as such
	F1        float64 `json:"f1"`        // harmonic mean of precision and recall
	Support   int     `json:"support"`   // examples whose actual class this is
}

// Report is the classification report of scikit-learn: one row per class, and
// averages. A quotient whose denominator is zero counts as 0, as scikit-learn's
// zero_division default.
type Report struct {
	Classes  []ClassScores `json:"classes"`  // in the order of the vocabulary
	Accuracy float64       `json:"accuracy"` // share of all examples predicted right
	Macro    ClassScores   `json:"macro"`    // plain mean over classes
	Weighted ClassScores   `json:"weighted"` // mean over classes weighted by support
	Support  int           `json:"support"`  // examples in all
	Matthews float64       `json:"matthews"` // Matthews correlation coefficient, in -1..1 (Gorodkin 2004's for many classes)
}

// Report computes the classification report of the matrix.
func (m *ConfusionMatrix) Report() Report {
	n := len(m.Counts)
	r := Report{
		Classes:  make([]ClassScores, n),
		Macro:    ClassScores{Name: "macro avg"},
		Weighted: ClassScores{Name: "weighted avg"},
		Support:  m.Total(),
	}
	r.Accuracy = ratio(m.Correct(), r.Support)
	for c := range r.Classes {
		hit, sup := m.Counts[c][c], m.Support(c)
		s := ClassScores{Name: name(m.Vocab, c), Support: sup}
		s.Precision = ratio(hit, m.PredictedAs(c))
		s.Recall = ratio(hit, sup)
		s.F1 = ratio(2*hit, m.PredictedAs(c)+sup)
		r.Classes[c] = s
		r.Macro.add(s, 1/float64(n))
		if r.Support > 0 {
			r.Weighted.add(s, float64(sup)/float64(r.Support))
		}
	}
	r.Macro.Support, r.Weighted.Support = r.Support, r.Support
	r.Matthews = m.matthews()
	return r
}

// Report computes the classification report of the table's predictions.
func (t *Table) Report() Report { return t.ConfusionMatrix().Report() }

func (s *ClassScores) add(o ClassScores, weight float64) {
	s.Precision += float64(weight * o.Precision)
	s.Recall += float64(weight * o.Recall)
	s.F1 += float64(weight * o.F1)
}

// ratio is a/b, and 0 when b is 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// matthews is scikit-learn's matthews_corrcoef: with t the actual and p the
// predicted totals of each class, c the correct and s all examples,
// (c·s - Σ t·p) / sqrt((s² - Σ p²)(s² - Σ t²)), 0 when that is 0/0.
func (m *ConfusionMatrix) matthews() float64 {
	s, c := float64(m.Total()), float64(m.Correct())
	var tp, pp, tt float64
	for k := range m.Counts {
		t, p := float64(m.Support(k)), float64(m.PredictedAs(k))
		tp, pp, tt = tp+float64(t*p), pp+float64(p*p), tt+float64(t*t)
	}
	d := (float64(s*s) - pp) * (float64(s*s) - tt)
	if d <= 0 {
		return 0
	}
	return (float64(c*s) - tp) / math.Sqrt(d)
}
