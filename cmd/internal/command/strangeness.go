package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/train"
)

// fitStrangeness gives a model its measure of strangeness, and says it. Without one the model would still be whole.
func (f *trainFlags) fitStrangeness(ctx context.Context, l *train.Learner, p *printer) {
	if f.Strangeness == 0 || !first(ctx) { // which only the first rank writes
		return
	}
	o := features.Options{Workers: f.workers}
	if f.HeadOnly != "" { // the features are known already
		if known, err := f.featureOptions(p); err == nil {
			o = known
		}
	}
	o.Progress = func(done, total int) { p.progress("strangeness", done, total, "pictures") }
	s, err := f.FitStrangeness(ctx, l, o)
	p.close()
	switch {
	case errors.Is(err, context.Canceled):
		p.note("interrupted while the strangeness was fitted: the model does not measure it")
	case err != nil:
		p.note("no measure of strangeness could be fitted: %v", err)
	case p.json:
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "strangeness", "strangeness": s}))
	default:
		fmt.Fprintf(p.out, "\nthe answer is unknown above a strangeness of %.1f, which %s of %d validation pictures do not exceed\n", s.Limit, share(s.Quantile), s.Pictures)
	}
}
