package run

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/task"
)

// This file is --task regression: pictures whose labels are numbers in columns of a
// table.

// regression is the value of --task.
const regression = "regression"

// numbers returns the task of --task regression, with --range.
func (c Config) numbers() (task.Regression, error) {
	if c.Range == "" {
		return task.Regression{}, nil
	}
	low, high, _ := strings.Cut(c.Range, ",")
	a, errA := strconv.ParseFloat(strings.TrimSpace(low), 64)
	b, errB := strconv.ParseFloat(strings.TrimSpace(high), 64)
	if errA != nil || errB != nil {
		return task.Regression{}, fmt.Errorf("--range %s: must be LOW,HIGH, two numbers, as in 0,100", c.Range)
	}
	t, err := task.NewRegression(a, b)
	if err != nil {
		return t, fmt.Errorf("--range %s: must be two finite numbers, the lower first, as in 0,100", c.Range)
	}
	return t, nil
}

// checkRegression reports settings that do not go with numbers, or only with them.
func (c Config) checkRegression() error {
	switch c.TaskName {
	case "":
		if c.Range != "" {
			return fmt.Errorf("--range %s: it is for numbers: give --task regression", c.Range)
		}
		return nil
	case regression:
	default:
		return fmt.Errorf("--task %s: must be regression; classes and labels need no task", c.TaskName)
	}
	if _, err := c.numbers(); err != nil {
		return err
	}
	no := func(flag, why string) error {
		return fmt.Errorf("--%s does not go with --task regression: %s", flag, why)
	}
	switch {
	case c.Label == "auto":
		return errors.New("--task regression: say in which columns the numbers are, as in --label csv:labels.csv:age or csv:labels.csv:x,y")
	case !strings.HasPrefix(c.Label, "csv:"):
		return fmt.Errorf("--task regression: numbers are in columns of a table, and --label is %s: give --label csv:FILE:COLUMN[,COLUMN...]", c.Label)
	case c.LabelDelim != "":
		return no("label-delim", "each column has one number")
	case c.Thresholds != "":
		return no("thresholds", "numbers have no labels to answer")
	case c.ClassWeights != "":
		return no("class-weights", "numbers have no classes")
	case c.Balance:
		return no("balance", "numbers have no classes")
	case c.Stratify:
		return no("stratify", "numbers have no classes whose shares could be kept")
	case c.Smoothing != 0:
		return no("label-smoothing", "numbers have no labels to smooth")
	case c.Calibrate:
		return no("calibrate", "numbers have no probabilities")
	case c.Abstain != "":
		return no("abstain", "numbers have no probabilities")
	case c.Conformal != 0:
		return no("conformal", "numbers have no classes to make sets of")
	case c.Strangeness != 0:
		return no("strangeness", "a number is never answered by unknown")
	}
	return nil
}

// columns returns the columns of --label csv:FILE:COLUMN,COLUMN, which are numbers, or of
// columns:FILE:COLUMN,COLUMN, which are labels.
func (c Config) columns() []string {
	_, rest, _ := TableLabel(c.Label)
	_, columns := cutColumn(rest)
	if columns == "" {
		return nil
	}
	return strings.Split(columns, ",")
}

// findColumns returns the names of the columns that a person gave, which may be
// numbers of columns, each once.
func findColumns(table *data.Table, given string) (string, error) {
	var names []string
	seen := map[string]bool{}
	for _, g := range strings.Split(given, ",") {
		k, err := table.Column(strings.TrimSpace(g))
		if err != nil {
			return "", err
		}
		name := table.Columns[k]
		switch {
		case name == table.PathColumn:
			return "", fmt.Errorf("the column %q names the pictures", name)
		case seen[name]:
			return "", fmt.Errorf("the column %q is there twice", name)
		}
		if err := nameable(name); err != nil {
			return "", err
		}
		seen[name] = true
		names = append(names, name)
	}
	return strings.Join(names, ","), nil
}

// nameable refuses a column that cannot be one of several in --label.
func nameable(column string) error {
	if strings.ContainsAny(column, ",:") {
		return fmt.Errorf("the column %q has a comma or a colon in its name: rename it", column)
	}
	return nil
}

// inRange reports a number of the data that the range of the answers leaves out: the network
// could never reach it.
func inRange(dls *data.DataLoaders) error {
	r, ok := dls.Task().(task.Regression)
	if !ok || r.Low == r.High {
		return nil
	}
	for _, l := range []*data.Loader{dls.Train, dls.Valid} {
		for i := range l.Targets().Len() {
			for k, v := range l.Targets().Row(i) {
				if float64(v) < r.Low || float64(v) > r.High {
					return fmt.Errorf("--range %v,%v: %q of %s is %v: give a range that has all numbers, a little wider, as its ends are hard to reach", r.Low, r.High, dls.Vocab[k], l.Items()[i].Path, v)
				}
			}
		}
	}
	return nil
}
