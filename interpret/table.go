// Package interpret shows what a classifier learned and where it fails: a
// table of predictions, and what is read off it: confusion matrix, most
// confused pairs, top losses, classification report and calibration.
//
// Everything is computed from the table and returned as plain numbers with a
// text form; package plot draws pictures of them. The table holds paths and
// probabilities, never pixels, so that it stays small: pictures are read again
// only for what is shown.
package interpret

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// Prediction is what a model said about one example.
type Prediction struct {
	Path      string    `json:"path"`      // file of the example, as its loader named it; may be empty
	Actual    int       `json:"actual"`    // true class, an index into the vocabulary
	Predicted int       `json:"predicted"` // class with the highest probability, the first of equals
	Probs     []float32 `json:"probs"`     // probability of each class, len(vocabulary), summing to 1
	Loss      float32   `json:"loss"`      // loss of this example; for cross-entropy -ln Probs[Actual]
}

// Prob returns the probability that the model gave to class c, and 0 for a
// class that does not exist.
func (p Prediction) Prob(c int) float32 {
	if c < 0 || c >= len(p.Probs) {
		return 0
	}
	return p.Probs[c]
}

// Table is the predictions on a set of examples, in the order of the loader
// (for a validation set, the order of its items).
type Table struct {
	Vocab []string     `json:"vocab"` // name of each class
	Rows  []Prediction `json:"rows"`  // one per example
}

// probTolerance is how far the probabilities of one row may be from summing to
// one: the rounding of a float32 softmax over a thousand classes is about 1e-4.
const probTolerance = 1e-2

// NewTable builds the table of N examples over C classes. probs is [N][C] as a
// softmax gives it and is kept, not copied; actual is [N]. paths is [N] or nil.
// losses is [N], or nil for cross-entropy, -ln of the actual class's
// probability (finite: a probability of 0 counts as the smallest float32).
//
// It returns an error that names the row when lengths disagree, a class is
// outside the vocabulary or a row is not a distribution (its sum further than
// 0.01 from 1, a negative or non-finite entry). NaN probabilities mean a model
// that diverged.
func NewTable(vocab, paths []string, actual []int, probs [][]float32, losses []float32) (*Table, error) {
	n, c := len(probs), len(vocab)
	switch {
	case c == 0:
		return nil, fmt.Errorf("interpret: the vocabulary is empty; give the names of the classes")
	case len(actual) != n:
		return nil, fmt.Errorf("interpret: %d actual classes for %d rows of probabilities; both must describe the same examples", len(actual), n)
	case paths != nil && len(paths) != n:
		return nil, fmt.Errorf("interpret: %d paths for %d rows of probabilities; give one per example, or nil", len(paths), n)
	case losses != nil && len(losses) != n:
		return nil, fmt.Errorf("interpret: %d losses for %d rows of probabilities; give one per example, or nil", len(losses), n)
	}
	t := &Table{Vocab: slices.Clone(vocab), Rows: make([]Prediction, n)}
	for i := range t.Rows {
		r := Prediction{Actual: actual[i], Probs: probs[i]}
		if paths != nil {
			r.Path = paths[i]
		}
		if err := checkRow(r, c); err != nil {
			return nil, fmt.Errorf("interpret: row %d%s: %w", i, named(r.Path), err)
		}
		r.Predicted = argmax(r.Probs)
		if losses != nil {
			r.Loss = losses[i]
		} else {
			p := max(r.Probs[r.Actual], math.SmallestNonzeroFloat32)
			r.Loss = float32(-math.Log(float64(p)))
		}
		t.Rows[i] = r
	}
	return t, nil
}

func checkRow(r Prediction, classes int) error {
	if len(r.Probs) != classes {
		return fmt.Errorf("%d probabilities for %d classes", len(r.Probs), classes)
	}
	if r.Actual < 0 || r.Actual >= classes {
		return fmt.Errorf("actual class %d is not in 0..%d", r.Actual, classes-1)
	}
	sum := 0.0
	for c, p := range r.Probs {
		v := float64(p)
		if math.IsNaN(v) || v < 0 || v > 1+probTolerance {
			return fmt.Errorf("probability of class %d is %v; expected a number in 0..1 (apply softmax first; NaN means that training diverged)", c, p)
		}
		sum += v
	}
	if math.Abs(sum-1) > probTolerance {
		return fmt.Errorf("probabilities sum to %.4g, not 1; apply softmax first", sum)
	}
	return nil
}

func named(path string) string {
	if path == "" {
		return ""
	}
	return " (" + path + ")"
}

func argmax(v []float32) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}

// Len returns the number of examples.
func (t *Table) Len() int { return len(t.Rows) }

// Name returns the name of class c, or its number when it has none.
func (t *Table) Name(c int) string { return name(t.Vocab, c) }

func name(vocab []string, c int) string {
	if c < 0 || c >= len(vocab) {
		return strconv.Itoa(c)
	}
	return vocab[c]
}

// MeanLoss returns the mean of the losses, NaN for an empty table.
func (t *Table) MeanLoss() float64 {
	sum := 0.0
	for _, r := range t.Rows {
		sum += float64(r.Loss)
	}
	return sum / float64(len(t.Rows))
}

// Accuracy returns the share of examples whose prediction is right, in 0..1,
// and NaN for an empty table.
func (t *Table) Accuracy() float64 {
	right := 0
	for _, r := range t.Rows {
		if r.Predicted == r.Actual {
			right++
		}
	}
	return float64(right) / float64(len(t.Rows))
}

// TopKAccuracy returns the share of examples whose actual class is among the k
// most probable, in 0..1, and NaN for an empty table. Of equal probabilities
// the lower class comes first.
func (t *Table) TopKAccuracy(k int) float64 {
	right := 0
	for _, r := range t.Rows {
		better := 0
		for c, p := range r.Probs {
			if p > r.Probs[r.Actual] || p == r.Probs[r.Actual] && c < r.Actual {
				better++
			}
		}
		if better < k {
			right++
		}
	}
	return float64(right) / float64(len(t.Rows))
}

// Loss is one entry of TopLosses.
type Loss struct {
	Index int `json:"index"` // row of the table
	Prediction
}

// TopLosses returns the k examples with the largest loss, largest first, as
// fastai's Interpretation.top_losses; k < 1 or more than there are means all.
// Equal losses keep the order of the table, and a loss that is not a number
// counts as the largest of all, so that it is seen.
func (t *Table) TopLosses(k int) []Loss { return t.ranked(k, true) }

// LowestLosses returns the k examples with the smallest loss, smallest first,
// as fastai's top_losses(largest=False): what the model is surest of.
func (t *Table) LowestLosses(k int) []Loss { return t.ranked(k, false) }

func (t *Table) ranked(k int, largest bool) []Loss {
	key := func(i int) float64 {
		v := float64(t.Rows[i].Loss)
		if math.IsNaN(v) {
			v = math.Inf(1)
		}
		if largest {
			return -v
		}
		return v
	}
	order := make([]int, len(t.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := key(a), key(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	if k < 1 || k > len(order) {
		k = len(order)
	}
	out := make([]Loss, k)
	for i := range out {
		out[i] = Loss{Index: order[i], Prediction: t.Rows[order[i]]}
	}
	return out
}

// WriteCSV writes the table with a header row: path, actual, predicted (names
// of classes), loss, probability (of the predicted class) and actual_probability.
func (t *Table) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"path", "actual", "predicted", "loss", "probability", "actual_probability"}); err != nil {
		return fmt.Errorf("interpret: writing predictions: %w", err)
	}
	f := func(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
	for _, r := range t.Rows {
		err := out.Write([]string{r.Path, t.Name(r.Actual), t.Name(r.Predicted), f(r.Loss), f(r.Prob(r.Predicted)), f(r.Prob(r.Actual))})
		if err != nil {
			return fmt.Errorf("interpret: writing predictions: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("interpret: writing predictions: %w", err)
	}
	return nil
}
