package command

import (
	"cmp"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/train"
)

// monitored says, at the end of a fit, which epoch's weights --save-best kept, and
// that --patience ended it.
func (p *printer) monitored(l *train.Learner) {
	for _, cb := range l.Callbacks {
		switch cb := cb.(type) {
		case *train.EarlyStopping:
			if cb.Stopped {
				p.stoppedEarly(cmp.Or(cb.Monitor, "valid_loss"), cb.Patience)
			}
		case *train.SaveBest:
			p.best(cmp.Or(cb.Monitor, "valid_loss"), cb)
		}
	}
}

func (p *printer) stoppedEarly(monitor string, patience int) {
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "stopped_early", "monitor": monitor, "patience": patience}))
		return
	}
	epochs := "epoch"
	if patience > 1 {
		epochs = fmt.Sprintf("%d epochs", patience)
	}
	fmt.Fprintf(p.out, "\nstopped early: %s got no better in the last %s\n", monitor, epochs)
}

// best says which epoch's weights the model has: the row of history.csv, which counts
// through all phases.
func (p *printer) best(monitor string, cb *train.SaveBest) {
	v, row, ok := cb.Best()
	switch {
	case !ok:
		p.note("warning: --save-best: %s was a number after no epoch, so the weights are those of the last", monitor)
	case p.json:
		m := map[string]any{"event": "best", "monitor": monitor}
		if !math.IsInf(v, 0) {
			m["value"] = v
		}
		if row >= 0 {
			m["row"] = row
		}
		fmt.Fprintln(p.out, mustJSON(m))
	case row < 0:
		fmt.Fprintf(p.out, "\nthe weights are those of the best epoch: %s %.6f\n", monitor, v)
	default:
		fmt.Fprintf(p.out, "\nthe weights are those of epoch %d of history.csv, the best: %s %.6f\n", row, monitor, v)
	}
}
