package command

import (
	"fmt"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/confidence"
)

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
