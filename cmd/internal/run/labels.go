package run

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
)

// Task returns what the run trains for: numbers where that is asked for, several
// labels a picture where --label or a delimiter of labels says so, otherwise one.
func (c Config) Task() task.Task {
	if c.TaskName == regression {
		t, _ := c.numbers() // Check has the error
		return t
	}
	if c.SeveralLabels() {
		return task.MultiLabel
	}
	return task.SingleLabel
}

// checkLabels reports the first setting about labels that cannot be.
func (c Config) checkLabels() error {
	if kind, _, _ := TableLabel(c.Label); c.LabelDelim != "" && kind == labelColumns {
		return fmt.Errorf("--label-delim %q: it separates the labels in one column, and with --label %s each label has a column: leave it out", c.LabelDelim, c.Label)
	}
	if c.LabelDelim != "" && c.Label != "auto" && !strings.HasPrefix(c.Label, "csv:") {
		return fmt.Errorf("--label-delim %q: it separates the labels in a table's column, and --label is %s: give --label csv:FILE:COLUMN", c.LabelDelim, c.Label)
	}
	if c.LabelDelim != "" && c.Label == "auto" {
		return fmt.Errorf("--label-delim %q: say which table has the labels, as in --label csv:labels.csv:COLUMN", c.LabelDelim)
	}
	if c.Thresholds != "" && (c.Task().Exclusive() || task.Continuous(c.Task())) {
		return fmt.Errorf("--thresholds %s: thresholds are for pictures with several labels: give --label-delim, --label columns:FILE or --label folders", c.Thresholds)
	}
	if c.Thresholds != "" {
		if _, err := ParseThresholdRule(c.Thresholds); err != nil {
			return err
		}
	}
	if c.Balance && c.Repeats > 1 {
		return fmt.Errorf("--aug-repeats %d: --balance says how often each picture is drawn: give one of them", c.Repeats)
	}
	if c.Balance && c.ClassWeights == autoWeights {
		return errors.New("--balance and --class-weights auto both make up for rare classes, which would count twice: give one of them")
	}
	if c.Abstain != "" && !c.Task().Exclusive() {
		return fmt.Errorf("--abstain %s: it is for pictures with one class each; with several labels, none above its threshold is an answer already", c.Abstain)
	}
	if c.Abstain != "" {
		if _, err := ParseAbstainRule(c.Abstain); err != nil {
			return err
		}
	}
	if c.Conformal != 0 {
		if err := confidence.CheckCoverage(c.Conformal); err != nil {
			return fmt.Errorf("--conformal: %w", err)
		}
		if !c.Task().Exclusive() {
			return fmt.Errorf("--conformal %v: sets of classes are for pictures with one class each; several labels are a set already, which --thresholds widens or narrows", c.Conformal)
		}
	}
	o := task.LossOptions{Name: c.Loss, Smoothing: c.Smoothing}
	if _, err := c.Task().Loss(o); err != nil {
		if o.Smoothing = 0; c.Smoothing != 0 {
			if _, without := c.Task().Loss(o); without == nil {
				return fmt.Errorf("--label-smoothing %v: %w", c.Smoothing, err)
			}
		}
		return fmt.Errorf("--loss %s: %w", c.Loss, err)
	}
	return nil
}

// loss returns the loss that the run trains by.
func (c Config) loss(dls *data.DataLoaders) (loss.Func, error) {
	if err := inRange(dls); err != nil {
		return nil, err
	}
	o := task.LossOptions{Name: c.Loss, Smoothing: c.Smoothing}
	if c.ClassWeights != "" {
		w, err := c.classWeights(dls)
		if err != nil {
			return nil, fmt.Errorf("--class-weights %s: %w", c.ClassWeights, err)
		}
		if k := slices.Index(w, 0); k >= 0 && c.ClassWeights != autoWeights {
			dls.Warnings = append(dls.Warnings, fmt.Sprintf("--class-weights %s: the weight of %q is 0: its pictures teach nothing", c.ClassWeights, dls.Vocab[k]))
		}
		if c.ClassWeights == autoWeights && !dls.Task().Exclusive() && c.Loss != "asymmetric" {
			o.PosWeight = w
		} else {
			o.Weight = w
		}
	}
	by, err := dls.Task().Loss(o)
	if err != nil {
		return nil, fmt.Errorf("--loss: %w", err)
	}
	return by, nil
}

// autoWeights is the --class-weights that follow from the training pictures.
const autoWeights = "auto"

// classWeights returns the weight of every class of the vocabulary.
func (c Config) classWeights(dls *data.DataLoaders) ([]float32, error) {
	if c.ClassWeights == autoWeights {
		return BalancedWeights(dls), nil
	}
	f, size, err := files.Open(c.local(c.ClassWeights))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such table; give auto, or a file with lines CLASS,WEIGHT")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxConfig {
		return nil, fmt.Errorf("the file has %d bytes; a table of weights has at most %d", size, maxConfig)
	}
	return readWeights(f, dls.Vocab)
}

// BalancedWeights returns weights by which rare labels count as much as frequent
// ones. For one class a picture they are those of scikit-learn's class_weight="balanced":
// pictures / (classes · pictures of the class). For several labels they are for present labels: pictures
// without the label for each one with it, as in the documentation of PyTorch's BCEWithLogitsLoss. A label
// without a training picture has weight 1.
func BalancedWeights(dls *data.DataLoaders) []float32 {
	counts := LabelCounts(dls.Train.Targets(), len(dls.Vocab))
	n := float64(dls.Train.Targets().Len())
	w := make([]float32, len(counts))
	for k, with := range counts {
		switch {
		case with == 0:
			w[k] = 1
		case dls.Task().Exclusive():
			w[k] = float32(n / float64(len(counts)*with))
		default:
			w[k] = float32((n - float64(with)) / float64(with))
		}
	}
	return w
}

// LabelCounts returns how many items have each of c labels.
func LabelCounts(y target.Targets, c int) []int {
	counts := make([]int, c)
	for i := range y.Len() {
		if y.Values == nil {
			counts[y.Class[i]]++
			continue
		}
		for k, v := range y.Row(i) {
			if v >= 0.5 {
				counts[k]++
			}
		}
	}
	return counts
}

// readWeights reads a table CLASS,WEIGHT with a line for every class, in any order;
// a first line whose second column is no number is a heading.
func readWeights(r io.Reader, vocab []string) ([]float32, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord, rows.TrimLeadingSpace = 2, true
	w := make([]float32, len(vocab))
	for k := range w {
		w[k] = -1
	}
	for first := true; ; first = false {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("want lines CLASS,WEIGHT: %w", err)
		}
		line, _ := rows.FieldPos(0)
		v, err := strconv.ParseFloat(strings.TrimSpace(row[1]), 32)
		if err != nil && first {
			continue
		}
		k := slices.Index(vocab, strings.TrimSpace(row[0]))
		switch {
		case err != nil || !(v >= 0) || math.IsInf(v, 0):
			return nil, fmt.Errorf("line %d: the weight %q of %q is not a number of 0 or more", line, row[1], row[0])
		case k < 0:
			return nil, fmt.Errorf("line %d: the data has no class %q; it has %.200q", line, row[0], vocab)
		case w[k] >= 0:
			return nil, fmt.Errorf("line %d: the class %q has two weights", line, row[0])
		}
		w[k] = float32(v)
	}
	if k := slices.Index(w, -1); k >= 0 {
		return nil, fmt.Errorf("the class %q has no weight: give every class one", vocab[k])
	}
	if !slices.ContainsFunc(w, func(v float32) bool { return v > 0 }) {
		return nil, errors.New("all weights are 0: nothing would be learned")
	}
	return w, nil
}
