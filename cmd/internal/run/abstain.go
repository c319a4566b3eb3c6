package run

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// AbstainRule is how the score is chosen below which a model answers "unknown". One of the
// fields is above 0.
type AbstainRule struct {
	Precision float64 // the lowest at which this share of the answers is right
	Coverage  float64 // that with which this share of the pictures is answered
	Below     float32 // this
}

// ParseAbstainRule reads precision:SHARE, coverage:SHARE, or a score.
func ParseAbstainRule(s string) (AbstainRule, error) {
	kind, share, ruled := strings.Cut(s, ":")
	if !ruled {
		share = s
	}
	v, err := strconv.ParseFloat(share, 64)
	if err == nil && v > 0 && v <= 1 {
		switch {
		case !ruled:
			return AbstainRule{Below: float32(v)}, nil
		case kind == "precision":
			return AbstainRule{Precision: v}, nil
		case kind == "coverage":
			return AbstainRule{Coverage: v}, nil
		}
	}
	return AbstainRule{}, fmt.Errorf("--abstain %q: must be precision:SHARE such as precision:0.95 (of the answers that many are right), coverage:SHARE such as coverage:0.9 (that many pictures are answered), or the score below which the answer is unknown, above 0 and 1 at most", s)
}

// chosen reports whether the rule needs pictures to choose by.
func (r AbstainRule) chosen() bool { return r.Precision+r.Coverage > 0 }

// checkAbstain reports why the data does not allow the run's rule.
func (c Config) checkAbstain(dls *data.DataLoaders) error {
	if c.Abstain == "" {
		return nil
	}
	rule, err := ParseAbstainRule(c.Abstain)
	if err != nil {
		return err
	}
	if rule.chosen() && len(dls.Valid.Items()) == 0 {
		return fmt.Errorf("--abstain %s: the score is chosen on validation pictures, of which --valid %s leaves none: give the score itself, such as 0.8", c.Abstain, c.Valid)
	}
	if slices.Contains(dls.Vocab, task.Unknown) {
		return fmt.Errorf("--abstain %s: a class is called %q, which is also what the model would answer: give the class another name", c.Abstain, task.Unknown)
	}
	return nil
}

// ChooseAbstention gives the learner the abstention that the run asks for, chosen on the validation
// pictures, which judge returns, and returns it; nil where the run asks for none.
func (c Config) ChooseAbstention(l *train.Learner, judge func() (*interpret.Table, error)) (*confidence.Abstention, error) {
	if c.Abstain == "" {
		return nil, nil
	}
	rule, err := ParseAbstainRule(c.Abstain)
	if err != nil {
		return nil, err
	}
	a := confidence.Abstention{Below: rule.Below, Rule: c.Abstain}
	if rule.chosen() {
		table, err := judge()
		if err != nil {
			return nil, err
		}
		if rule.Precision > 0 {
			a, err = confidence.AbstainByPrecision(table.Judged(), rule.Precision)
		} else {
			a, err = confidence.AbstainByCoverage(table.Judged(), rule.Coverage)
		}
		if err != nil {
			return nil, err
		}
	}
	l.Abstention = &a
	return &a, nil
}
