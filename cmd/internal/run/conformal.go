package run

import (
	"fmt"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/train"
)

// checkConformal reports why the data does not allow the coverage that the run asks for.
func (c Config) checkConformal(dls *data.DataLoaders) error {
	if c.Conformal == 0 {
		return nil
	}
	if n, need := len(dls.Valid.Items()), confidence.ConformalPictures(c.Conformal); n < need {
		return fmt.Errorf("--conformal %v: a coverage of %v takes %d validation pictures at least, and --valid %s leaves %d: set more apart, or state a lower coverage", c.Conformal, c.Conformal, need, c.Valid, n)
	}
	return nil
}

// FitConformal gives the learner the sets of classes that the run asks for, chosen on the validation pictures, which judge
// returns, and returns what makes them; nil where the run asks for none.
func (c Config) FitConformal(l *train.Learner, judge func() (*interpret.Table, error)) (*confidence.Conformal, error) {
	if c.Conformal == 0 {
		return nil, nil
	}
	table, err := judge()
	if err != nil {
		return nil, err
	}
	by, err := table.FitConformal(c.Conformal)
	if err != nil {
		return nil, err
	}
	l.Conformal = by
	return by, nil
}
