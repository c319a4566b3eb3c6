package command

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/train"
)

// confidenceFlags are those of what says how far a model's answers can be trusted.
func confidenceFlags(cmd *cobra.Command, c *run.Config) {
	fl := cmd.Flags()
	fl.StringVar(&c.Thresholds, "thresholds", c.Thresholds, "for several labels, the probability above which each is answered, chosen on the validation pictures: f1 (the highest F1), f2, f0.5, precision:0.9 (the highest recall at that precision), or a number for all (default f1)")
	fl.BoolVar(&c.Calibrate, "calibrate", c.Calibrate, "when training has ended, fit a temperature on the validation pictures, so that of the answers given with 90 % nine in ten are right (temperature scaling); predict and serve use it")
	fl.StringVar(&c.Abstain, "abstain", c.Abstain, "answer unknown where the best class's score is too low, chosen on the validation pictures: `RULE` precision:0.95 (the lowest score at which that share of the answers is right), coverage:0.9 (that share of the pictures is answered), or a score")
	fl.Float64Var(&c.Conformal, "conformal", c.Conformal, "answer a set of classes too, which has the right one for this `SHARE` of pictures, such as 0.9, chosen on the validation pictures (split conformal prediction); 0 makes none (default 0)")
	fl.Float64Var(&c.Strangeness, "strangeness", c.Strangeness, "answer unknown for pictures unlike those of training, by the distance of their features: the `SHARE` of the validation pictures that are still answered, such as 0.99; 0 measures none (default 0)")
}

// confidenceFit gives a trained model what says how far its answers can be trusted, one after
// the other: temperature first, since the others go by probabilities.
type confidenceFit struct {
	run.Config
	l    *train.Learner
	pre  preprocess.Config // of the model
	with features.Options  // how strangeness takes features
	p    *printer

	keepThresholds bool // of the learner
}

// confidenceStep is a part of a confidenceFit. The strings say, in part, that it was interrupted, that it
// failed, and what the model is without it.
type confidenceStep struct {
	doing, none, without string
	fit                  func(ctx context.Context) error
}

// run fits what the settings ask for. A step that fails is told to failed, and the others go on
// unless that returns an error: without it the model is still whole.
func (f confidenceFit) run(ctx context.Context, failed func(error) error) error {
	// The temperature comes first, and what is judged with it serves all that is chosen after.
	judge := sync.OnceValues(func() (*interpret.Table, error) { return interpret.FromLearner(ctx, f.l) })
	for _, s := range []confidenceStep{
		{"the temperature was fitted", "no temperature could be fitted", "the model's probabilities are the network's own", func(ctx context.Context) error {
			t, err := f.FitTemperature(ctx, f.l)
			f.p.temperature(t)
			return err
		}},
		{"thresholds were chosen", "no thresholds could be chosen", "the model has 0.5 for every label", func(context.Context) error {
			if f.keepThresholds {
				return nil
			}
			chosen, err := f.ChooseThresholds(f.l, judge)
			f.p.thresholds(chosen)
			return err
		}},
		{"the score to abstain below was chosen", "no score to abstain below could be chosen", "the model answers every picture", func(context.Context) error {
			a, err := f.ChooseAbstention(f.l, judge)
			f.p.abstention(a)
			return err
		}},
		{"sets of classes were chosen", "no sets of classes could be chosen", "the model makes none", func(context.Context) error {
			c, err := f.FitConformal(f.l, judge)
			f.p.conformal(c)
			return err
		}},
		{"the strangeness was fitted", "no measure of strangeness could be fitted", "the model does not measure it", f.strangeness},
	} {
		err := s.fit(ctx)
		switch {
		case err == nil:
			continue
		case errors.Is(err, context.Canceled):
			err = fmt.Errorf("interrupted while %s: %s", s.doing, s.without)
		default:
			err = fmt.Errorf("%s, so %s: %w", s.none, s.without, err)
		}
		if err := failed(err); err != nil {
			return err
		}
	}
	return nil
}

// strangeness is the part that needs features, which the first rank takes alone.
func (f confidenceFit) strangeness(ctx context.Context) error {
	if f.Strangeness == 0 || !first(ctx) {
		return nil
	}
	o := f.with
	o.Progress = func(done, total int) { f.p.progress("strangeness", done, total, "pictures") }
	s, err := f.FitStrangeness(ctx, f.l, f.pre, o)
	f.p.close()
	f.p.strangeness(s)
	return err
}

// fitConfidence is the end of a training.
func (f *trainFlags) fitConfidence(ctx context.Context, l *train.Learner, p *printer) {
	o := features.Options{Workers: f.workers}
	if f.HeadOnly != "" { // the features are known already
		if known, err := featureOptions(f.workers, p); err == nil {
			o = known
		}
	}
	fit := confidenceFit{Config: f.Config, l: l, pre: f.Preprocess(), with: o, p: p}
	_ = fit.run(ctx, func(err error) error { // the model is saved in any case
		p.note("%v", err)
		return nil
	})
}
