package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// checkStrangeness reports why the data does not allow what the run asks for.
func (c Config) checkStrangeness(dls *data.DataLoaders) error {
	switch {
	case c.Strangeness == 0:
		return nil
	case !(c.Strangeness > 0 && c.Strangeness <= 1):
		return fmt.Errorf("--strangeness %v: must be the share of the validation pictures that are answered, above 0 and 1 at most, such as 0.99", c.Strangeness)
	case !dls.Task().Exclusive():
		return fmt.Errorf("--strangeness: is for pictures with one class each, and the task is %s", dls.Task().Name())
	case len(dls.Valid.Items()) == 0:
		return fmt.Errorf("--strangeness %v: the limit is chosen on validation pictures, of which --valid %s leaves none: set some apart", c.Strangeness, c.Valid)
	case slices.Contains(dls.Vocab, task.Unknown):
		return fmt.Errorf("--strangeness: a class is called %q, which is also what the model would answer: give the class another name", task.Unknown)
	}
	return nil
}

// mostStrangers bounds the training pictures that a Strangeness is fitted to: more hardly move the mean
// and the covariance.
const mostStrangers = 20_000

// FitStrangeness gives the learner a measure of how unlike its training pictures a picture is, and the
// limit beyond which the answer is unknown, chosen on the validation pictures; nil where the run does not
// ask for it. pre says how the model's pictures are prepared. Of more than 20000 training pictures, evenly spaced ones are taken.
func (c Config) FitStrangeness(ctx context.Context, l *train.Learner, pre preprocess.Config, o features.Options) (*confidence.Strangeness, error) {
	if c.Strangeness == 0 {
		return nil, nil
	}
	x, err := c.Extractor(l.Model, pre, o)
	if err != nil {
		return nil, err
	}
	var take []int
	n := len(l.DLs.Train.Items())
	for i := range min(n, mostStrangers) {
		take = append(take, i*n/min(n, mostStrangers))
	}
	items := make([]data.Item, len(take))
	for k, i := range take {
		items[k] = l.DLs.Train.Items()[i]
	}
	of, err := x.Of(ctx, l.DLs.Train.Config().Source, items)
	if err != nil {
		return nil, err
	}
	y := l.DLs.Train.Targets().Gather(take).Gather(of.Index)
	s, err := confidence.FitStrangeness(of.Values, y.Class, len(l.DLs.Vocab))
	if err != nil {
		return nil, err
	}
	if of, err = x.Of(ctx, l.DLs.Valid.Config().Source, l.DLs.Valid.Items()); err != nil {
		return nil, err
	}
	if err := s.SetLimit(of.Values, c.Strangeness); err != nil {
		return nil, err
	}
	l.Strangeness = s
	return s, nil
}
