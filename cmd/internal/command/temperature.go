package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/train"
)

// calibrate gives a model its temperature and says it. Without one the model would
// still be whole, so neither an interruption nor pictures that determine none lose it.
func (f *trainFlags) calibrate(ctx context.Context, l *train.Learner, p *printer) {
	t, err := f.FitTemperature(ctx, l)
	if errors.Is(err, context.Canceled) {
		p.note("interrupted while the temperature was fitted: the model's probabilities are the network's own")
		return
	}
	if err != nil {
		p.note("no temperature could be fitted, so the model's probabilities are the network's own: %v", err)
		return
	}
	p.temperature(t)
}

// temperature prints a temperature and what it does.
func (p *printer) temperature(t *interpret.Temperature) {
	if t == nil {
		return
	}
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "temperature", "fit": t}))
		return
	}
	fmt.Fprintf(p.out, "\ntemperature %.3f, fitted on %d validation pictures\nbefore: %s\nafter:  %s\n", t.Value, t.Pictures, t.Before, t.After)
}
