package interpret

import (
	"cmp"
	"fmt"
	"slices"
)

// Threshold is the probability above which a label is answered, and what that
// gives on the pictures that it was chosen by.
type Threshold struct {
	Label     string  `json:"label"`
	Value     float32 `json:"threshold"`
	Precision float64 `json:"precision"` // of the pictures answered with the label, the share that has it; 1 for none
	Recall    float64 `json:"recall"`    // of the pictures that have it, the share answered
	Actual    int     `json:"actual"`    // pictures that have it
}

// ThresholdsByFBeta chooses for every label the threshold with the highest F-beta on
// the table's rows: recall weighs beta² times as much as precision (1 for F1). Among
// equal ones it is the lowest. It lies in the middle between two probabilities that occurred, so that
// it does not depend on the last bits of one. A label that no row has keeps one half.
//
// Choose on validation pictures: those that trained the model say too much of it.
func (t *Table) ThresholdsByFBeta(beta float64) ([]Threshold, error) {
	if !(beta > 0) {
		return nil, fmt.Errorf("interpret: thresholds by F-beta with a beta of %v: it must be above 0", beta)
	}
	b2 := beta * beta
	return t.thresholds(func(right, said, actual int) float64 {
		return (1 + b2) * float64(right) / (float64(b2*float64(actual)) + float64(said))
	})
}

// ThresholdsByPrecision chooses for every label the threshold of the highest recall
// at which at least the wanted share, in (0,1], of the pictures answered with it
// have it. Where no threshold gives that, it is the one with the highest precision. See ThresholdsByFBeta.
func (t *Table) ThresholdsByPrecision(wanted float64) ([]Threshold, error) {
	if !(wanted > 0 && wanted <= 1) {
		return nil, fmt.Errorf("interpret: thresholds for a precision of %v: it must be above 0, and 1 at most", wanted)
	}
	return t.thresholds(func(right, said, actual int) float64 {
		if said == 0 {
			return -1
		}
		precision := float64(right) / float64(said)
		if precision >= wanted {
			return 1 + float64(right)/float64(actual)
		}
		return precision
	})
}

// judgedRow is a label's probability for a row, and whether the row has it.
type judgedRow struct {
	p  float32
	is bool
}

// thresholds chooses for every label the threshold whose score is highest, given
// how many answers are right, how many there are, and how many rows have the label.
func (t *Table) thresholds(score func(right, said, actual int) float64) ([]Threshold, error) {
	if len(t.Rows) == 0 {
		return nil, fmt.Errorf("interpret: there are no pictures to choose thresholds by: set some apart for validation")
	}
	if t.Rows[0].Actual != NoClass {
		return nil, fmt.Errorf("interpret: thresholds are for pictures with several labels; these have one class each")
	}
	out := make([]Threshold, len(t.Vocab))
	rows := make([]judgedRow, len(t.Rows))
	for k, label := range t.Vocab {
		actual := 0
		for i, r := range t.Rows {
			rows[i] = judgedRow{r.Probs[k], slices.Contains(r.Labels, label)}
			if rows[i].is {
				actual++
			}
		}
		out[k] = best(label, rows, actual, score)
	}
	return out, nil
}

// best returns the threshold of one label.
func best(label string, rows []judgedRow, actual int, score func(right, said, actual int) float64) Threshold {
	th := Threshold{Label: label, Value: 0.5, Actual: actual}
	if actual > 0 {
		slices.SortFunc(rows, func(a, b judgedRow) int { return cmp.Compare(b.p, a.p) })
		most, right := -1.0, 0
		for i, r := range rows {
			if r.is {
				right++
			}
			next := float32(0)
			if i+1 < len(rows) {
				next = rows[i+1].p
			}
			if next == r.p {
				continue // no threshold divides them
			}
			if v := score(right, i+1, actual); v >= most {
				most, th.Value = v, r.p-float32((r.p-next)/2)
				if th.Value >= r.p { // neighbors in float32, or a probability of 0
					th.Value = next
				}
			}
		}
	}
	right, said := 0, 0
	for _, r := range rows {
		if r.p > th.Value {
			said++
			if r.is {
				right++
			}
		}
	}
	th.Precision, th.Recall = 1, 0
	if said > 0 {
		th.Precision = float64(right) / float64(said)
	}
	if actual > 0 {
		th.Recall = float64(right) / float64(actual)
	}
	return th
}
