package interpret

import (
	"fmt"
	"slices"
)

// ConfusionMatrix counts predictions by actual class (row) and predicted class
// (column), as fastai's ClassificationInterpretation.confusion_matrix.
type ConfusionMatrix struct {
	Vocab  []string `json:"vocab"`  // name of each class, C
	Counts [][]int  `json:"counts"` // [C][C], Counts[actual][predicted]
}

// ConfusionMatrix counts the table's predictions.
func (t *Table) ConfusionMatrix() *ConfusionMatrix {
	m := &ConfusionMatrix{Vocab: t.Vocab, Counts: square(len(t.Vocab))}
	for _, r := range t.classed() {
		m.Counts[r.Actual][r.Predicted]++
	}
	return m
}

// NewConfusionMatrix counts pairs of actual and predicted classes, given as
// indices into vocab. It returns an error when the two differ in length or a
// class is outside the vocabulary.
func NewConfusionMatrix(vocab []string, actual, predicted []int) (*ConfusionMatrix, error) {
	if len(actual) != len(predicted) {
		return nil, fmt.Errorf("interpret: %d actual and %d predicted classes; give one of each per example", len(actual), len(predicted))
	}
	m := &ConfusionMatrix{Vocab: slices.Clone(vocab), Counts: square(len(vocab))}
	for i, a := range actual {
		p := predicted[i]
		if a < 0 || a >= len(vocab) || p < 0 || p >= len(vocab) {
			return nil, fmt.Errorf("interpret: example %d: actual %d, predicted %d: classes must be in 0..%d", i, a, p, len(vocab)-1)
		}
		m.Counts[a][p]++
	}
	return m, nil
}

// square returns an n×n matrix of zeros in one block of memory.
func square(n int) [][]int {
	flat := make([]int, n*n)
	rows := make([][]int, n)
	for i := range rows {
		rows[i] = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return rows
}

// Total returns the number of examples.
func (m *ConfusionMatrix) Total() int {
	n := 0
	for i := range m.Counts {
		n += m.Support(i)
	}
	return n
}

// Correct returns the number of examples predicted right: the diagonal's sum.
func (m *ConfusionMatrix) Correct() int {
	n := 0
	for i := range m.Counts {
		n += m.Counts[i][i]
	}
	return n
}

// Support returns the number of examples whose actual class is c.
func (m *ConfusionMatrix) Support(c int) int {
	n := 0
	for _, v := range m.Counts[c] {
		n += v
	}
	return n
}

// PredictedAs returns the number of examples predicted to be class c.
func (m *ConfusionMatrix) PredictedAs(c int) int {
	n := 0
	for i := range m.Counts {
		n += m.Counts[i][c]
	}
	return n
}

// Normalized returns each count divided by its row's sum, in 0..1, as fastai's
// plot_confusion_matrix(normalize=True). The row of a class without examples
// is zeros.
func (m *ConfusionMatrix) Normalized() [][]float64 {
	out := make([][]float64, len(m.Counts))
	for i, row := range m.Counts {
		out[i] = make([]float64, len(row))
		if n := m.Support(i); n > 0 {
			for j, v := range row {
				out[i][j] = float64(v) / float64(n)
			}
		}
	}
	return out
}

// Confused is one off-diagonal cell of a confusion matrix: Count examples of
// class Actual were predicted as Predicted.
type Confused struct {
	Actual         string `json:"actual"`
	Predicted      string `json:"predicted"`
	ActualIndex    int    `json:"actual_index"`
	PredictedIndex int    `json:"predicted_index"`
	Count          int    `json:"count"`
}

// String gives the pair as "actual → predicted: count".
func (c Confused) String() string {
	return fmt.Sprintf("%s → %s: %d", c.Actual, c.Predicted, c.Count)
}

// MostConfused returns the pairs of different classes confused at least least
// times, most often first, as fastai's most_confused(min_val); least < 1 means
// 1, its default. Equal counts keep the row-major order of the matrix.
func (m *ConfusionMatrix) MostConfused(least int) []Confused {
	least = max(least, 1)
	var out []Confused
	for i, row := range m.Counts {
		for j, n := range row {
			if i != j && n >= least {
				out = append(out, Confused{
					Actual: name(m.Vocab, i), Predicted: name(m.Vocab, j),
					ActualIndex: i, PredictedIndex: j, Count: n,
				})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Confused) int { return b.Count - a.Count })
	return out
}

// Confusions returns the rows of the table whose actual and predicted classes
// are the given ones, largest loss first: the examples behind one cell.
func (t *Table) Confusions(actual, predicted int) []Loss {
	var out []Loss
	for _, r := range t.TopLosses(0) {
		if r.Actual == actual && r.Predicted == predicted {
			out = append(out, r)
		}
	}
	return out
}
