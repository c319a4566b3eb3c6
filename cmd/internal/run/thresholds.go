package run

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// ThresholdRule is how the thresholds of labels are chosen on the validation
// pictures.
type ThresholdRule struct {
	Beta      float64 // by the highest F-beta, if above 0
	Precision float64 // by the highest recall at this precision, if above 0
	Fixed     float32 // otherwise: this for all
}

// DefaultThresholds is the rule where none is given: the highest F1.
const DefaultThresholds = "f1"

// ParseThresholdRule reads fBETA (f1, f2, f0.5), precision:SHARE, or one number for all
// labels.
func ParseThresholdRule(s string) (ThresholdRule, error) {
	bad := func() (ThresholdRule, error) {
		return ThresholdRule{}, fmt.Errorf("--thresholds %q: must be f1 or another F-beta such as f2 or f0.5, precision:SHARE such as precision:0.9, or a number from 0 up to, not including, 1", s)
	}
	if beta, ok := strings.CutPrefix(s, "f"); ok {
		v, err := strconv.ParseFloat(beta, 64)
		if err != nil || !(v > 0 && v <= 100) {
			return bad()
		}
		return ThresholdRule{Beta: v}, nil
	}
	if share, ok := strings.CutPrefix(s, "precision:"); ok {
		v, err := strconv.ParseFloat(share, 64)
		if err != nil || !(v > 0 && v <= 1) {
			return bad()
		}
		return ThresholdRule{Precision: v}, nil
	}
	v, err := strconv.ParseFloat(s, 32)
	if err != nil || !(v >= 0 && v < 1) {
		return bad()
	}
	return ThresholdRule{Fixed: float32(v)}, nil
}

// ChooseThresholds gives the learner of a task with several labels its thresholds,
// chosen on the validation pictures, which judge returns. The result is nil where there is nothing to choose.
func (c Config) ChooseThresholds(l *train.Learner, judge func() (*interpret.Table, error)) ([]interpret.Threshold, error) {
	if l.DLs.Task().Exclusive() || task.Continuous(l.DLs.Task()) {
		return nil, nil
	}
	given := c.Thresholds
	if given == "" {
		if len(l.DLs.Valid.Items()) == 0 {
			return nil, nil // the task's own
		}
		given = DefaultThresholds
	}
	rule, err := ParseThresholdRule(given)
	if err != nil {
		return nil, err
	}
	if rule.Beta == 0 && rule.Precision == 0 {
		l.Thresholds = make([]float32, len(l.DLs.Vocab))
		for k := range l.Thresholds {
			l.Thresholds[k] = rule.Fixed
		}
		return nil, nil
	}
	table, err := judge()
	if err != nil {
		return nil, err
	}
	var chosen []interpret.Threshold
	if rule.Beta > 0 {
		chosen, err = table.ThresholdsByFBeta(rule.Beta)
	} else {
		chosen, err = table.ThresholdsByPrecision(rule.Precision)
	}
	if err != nil {
		return nil, err
	}
	l.Thresholds = make([]float32, len(chosen))
	for k, t := range chosen {
		l.Thresholds[k] = t.Value
	}
	return chosen, nil
}
