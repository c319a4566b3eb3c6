package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/train"
)

// chooseAbstention gives a model the score below which it answers "unknown", and says it.
// Without one the model would still be whole.
func (f *trainFlags) chooseAbstention(ctx context.Context, l *train.Learner, p *printer) {
	a, err := f.ChooseAbstention(ctx, l)
	if errors.Is(err, context.Canceled) {
		p.note("interrupted while the score to abstain below was chosen: the model answers every picture")
		return
	}
	if err != nil {
		p.note("no score to abstain below could be chosen, so the model answers every picture: %v", err)
		return
	}
	p.abstention(a)
}

// abstention prints an abstention and what it gives.
func (p *printer) abstention(a *confidence.Abstention) {
	if a == nil {
		return
	}
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "abstention", "abstention": a}))
	} else if a.Pictures == 0 {
		fmt.Fprintf(p.out, "\nthe answer is unknown below a score of %.3f\n", a.Below)
	} else {
		fmt.Fprintf(p.out, "\nthe answer is unknown below a score of %.3f (%s): of %d validation pictures %s are answered, and %s of the answers are right\n",
			a.Below, a.Rule, a.Pictures, share(a.Coverage), share(a.Precision))
	}
	if rule, err := run.ParseAbstainRule(a.Rule); err == nil && a.Precision < rule.Precision {
		p.note("warning: no score gives a precision of %v on the validation pictures: this is the nearest", rule.Precision)
	}
}

// share writes a share of one in percent.
func share(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }
