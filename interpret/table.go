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
	"strings"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

// Row is what a model said about one example.
type Row struct {
	Path      string    `json:"path"`      // file of the example, as its loader named it; may be empty
	Actual    int       `json:"actual"`    // true class, an index into the vocabulary; NoClass when the task has not one for each example
	Predicted int       `json:"predicted"` // class with the highest probability, the first of equals
	Probs     []float32 `json:"probs"`     // what the model gives each class, len(vocabulary), as the task makes it
	Loss      float32   `json:"loss"`      // loss of this example; for cross-entropy -ln Probs[Actual]

	// Unscaled is Probs as they would be without the model's temperature; nil where it
	// has none.
	Unscaled []float32 `json:"unscaled,omitempty"`

	// Labels and Answers are, for tasks whose examples have not one class each,
	// what people call the example and what the model does.
	Labels  []string `json:"labels,omitempty"`
	Answers []string `json:"answers,omitempty"`

	// Numbers are, for tasks that predict numbers, the true ones; Probs has the predicted.
	Numbers []float32 `json:"numbers,omitempty"`
}

// NoClass stands for the true class of an example that has not exactly one.
const NoClass = -1

// Right reports whether the answer is the true one: the class, or, where there
// may be several, the same labels.
func (p Row) Right() bool {
	if p.Actual != NoClass {
		return p.Actual == p.Predicted
	}
	return slices.Equal(slices.Sorted(slices.Values(p.Labels)), slices.Sorted(slices.Values(p.Answers)))
}

// Prob returns the probability that the model gave to class c, and 0 for a
// class that does not exist.
func (p Row) Prob(c int) float32 {
	if c < 0 || c >= len(p.Probs) {
		return 0
	}
	return p.Probs[c]
}

// Furthest returns which number of a task that predicts numbers is predicted worst, the first of equals, and for
// other tasks Predicted.
func (p Row) Furthest() int {
	worst, at := -1.0, p.Predicted
	for k, v := range p.Numbers {
		if d := math.Abs(float64(p.Probs[k]) - float64(v)); d > worst {
			worst, at = d, k
		}
	}
	return at
}

// Table is the predictions on a set of examples, in the order of the loader
// (for a validation set, the order of its items). What is counted by class
// (confusion matrix, report, calibration, top-k accuracy) passes over rows
// without exactly one.
type Table struct {
	Vocab []string `json:"vocab"` // name of each class
	Rows  []Row    `json:"rows"`  // one per example
	// Strangeness has how far each row's picture is from those of training; nil where that
	// is not measured. See MeasureStrangeness.
	Strangeness []float64 `json:"strangeness,omitempty"`
}

// NewTable is NewTaskTable for single-label classification: actual is [N], the
// class of each example. losses nil means cross-entropy, -ln of the actual
// class's probability (finite: a probability of 0 counts as the smallest
// float32). A row of probabilities that is not a distribution (its sum further
// than 0.01 from 1, a negative or non-finite entry) is an error.
func NewTable(vocab, paths []string, actual []int, probs [][]float32, losses []float32) (*Table, error) {
	return NewTaskTable(task.Decoder{Task: task.SingleLabel, Vocab: vocab}, paths, target.Classes(actual), probs, losses)
}

// NewTaskTable builds the table of N examples over the C classes of by.Vocab.
// probs is [N][C] as the task's activation gives it and is kept, not copied; y
// has N targets. paths is [N] or nil. losses is [N], or nil for the task's own.
//
// It returns an error that names the row when lengths disagree, a class is
// outside the vocabulary or a row is none that the task can give. NaN
// probabilities mean a model that diverged.
func NewTaskTable(by task.Decoder, paths []string, y target.Targets, probs [][]float32, losses []float32) (*Table, error) {
	n, c := len(probs), len(by.Vocab)
	switch {
	case c == 0:
		return nil, fmt.Errorf("interpret: the vocabulary is empty; give the names of the classes")
	case y.Len() != n:
		return nil, fmt.Errorf("interpret: %d actual classes for %d rows of probabilities; both must describe the same examples", y.Len(), n)
	case paths != nil && len(paths) != n:
		return nil, fmt.Errorf("interpret: %d paths for %d rows of probabilities; give one per example, or nil", len(paths), n)
	case losses != nil && len(losses) != n:
		return nil, fmt.Errorf("interpret: %d losses for %d rows of probabilities; give one per example, or nil", len(losses), n)
	case y.Values != nil && y.Values.Shape[1] != c:
		return nil, fmt.Errorf("interpret: targets of %d numbers for a vocabulary of %d", y.Values.Shape[1], c)
	}
	t := &Table{Vocab: slices.Clone(by.Vocab), Rows: make([]Row, n)}
	for i := range t.Rows {
		r := Row{Actual: NoClass, Probs: probs[i]}
		if y.Class != nil {
			r.Actual = y.Class[i]
		}
		if paths != nil {
			r.Path = paths[i]
		}
		if err := checkRow(by.Task, r, c, y.Class != nil); err != nil {
			return nil, fmt.Errorf("interpret: row %d%s: %w", i, named(r.Path), err)
		}
		r.Predicted = tensor.Argmax(r.Probs)
		if y.Class == nil {
			r.Labels, r.Answers = by.Task.Labels(t.Vocab, y, i), by.Prediction(r.Probs).Labels()
		}
		if task.Continuous(by.Task) {
			r.Numbers, r.Answers = slices.Clone(y.Row(i)), nil
			for _, v := range r.Probs {
				r.Answers = append(r.Answers, strconv.FormatFloat(float64(v), 'g', 5, 32))
			}
		}
		if losses != nil {
			r.Loss = losses[i]
		} else {
			r.Loss = by.Task.ItemLoss(r.Probs, y, i)
		}
		t.Rows[i] = r
	}
	return t, nil
}

func checkRow(by task.Task, r Row, classes int, classed bool) error {
	if len(r.Probs) != classes {
		return fmt.Errorf("%d probabilities for %d classes", len(r.Probs), classes)
	}
	if classed && (r.Actual < 0 || r.Actual >= classes) {
		return fmt.Errorf("actual class %d is not in 0..%d", r.Actual, classes-1)
	}
	return by.CheckProbs(r.Probs)
}

func named(path string) string {
	if path == "" {
		return ""
	}
	return " (" + path + ")"
}

// classed returns the rows that have exactly one class.
func (t *Table) classed() []Row {
	for i, r := range t.Rows {
		if r.Actual == NoClass {
			rows := slices.Clone(t.Rows[:i])
			for _, r := range t.Rows[i:] {
				if r.Actual != NoClass {
					rows = append(rows, r)
				}
			}
			return rows
		}
	}
	return t.Rows
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
		if r.Right() {
			right++
		}
	}
	return float64(right) / float64(len(t.Rows))
}

// TopKAccuracy returns the share of examples whose actual class is among the k
// most probable, in 0..1, and NaN for a table without classes. Of equal
// probabilities the lower class comes first.
func (t *Table) TopKAccuracy(k int) float64 {
	right := 0
	rows := t.classed()
	for _, r := range rows {
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
	return float64(right) / float64(len(rows))
}

// Loss is one entry of TopLosses.
type Loss struct {
	Index int `json:"index"` // row of the table
	Row
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
		out[i] = Loss{Index: order[i], Row: t.Rows[order[i]]}
	}
	return out
}

// WriteCSV writes the table with a header row: path, actual, predicted (names
// of classes; several are joined by semicolons), loss, probability (of the
// predicted class) and actual_probability. Of numbers it writes path, for each
// number its name with the true value and predicted_NAME, and loss.
func (t *Table) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if len(t.Rows) > 0 && t.Rows[0].Numbers != nil {
		return t.writeNumbers(out)
	}
	head := []string{"path", "actual", "predicted", "loss", "probability", "actual_probability"}
	if t.Strangeness != nil {
		head = append(head, "strangeness")
	}
	if err := out.Write(head); err != nil {
		return fmt.Errorf("interpret: writing predictions: %w", err)
	}
	f := func(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
	for i, r := range t.Rows {
		actual, predicted := t.Name(r.Actual), t.Name(r.Predicted)
		if r.Actual == NoClass {
			actual, predicted = strings.Join(r.Labels, ";"), strings.Join(r.Answers, ";")
		}
		row := []string{r.Path, actual, predicted, f(r.Loss), f(r.Prob(r.Predicted)), f(r.Prob(r.Actual))}
		if t.Strangeness != nil {
			row = append(row, strconv.FormatFloat(t.Strangeness[i], 'g', 6, 64))
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("interpret: writing predictions: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("interpret: writing predictions: %w", err)
	}
	return nil
}

// writeNumbers is WriteCSV of numbers.
func (t *Table) writeNumbers(out *csv.Writer) error {
	f := func(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
	head := []string{"path"}
	for _, name := range t.Vocab {
		head = append(head, name, "predicted_"+name)
	}
	_ = out.Write(append(head, "loss"))
	for _, r := range t.Rows {
		row := []string{r.Path}
		for k, v := range r.Numbers {
			row = append(row, f(v), f(r.Prob(k)))
		}
		_ = out.Write(append(row, f(r.Loss)))
	}
	out.Flush()
	if err := out.Error(); err != nil { // of any of the writes
		return fmt.Errorf("interpret: writing predictions: %w", err)
	}
	return nil
}
