package command

import (
	"fmt"

	"github.com/whippet-ml/whippet/confidence"
)

// strangeness prints the limit of a measure of strangeness.
func (p *printer) strangeness(s *confidence.Strangeness) {
	if s == nil {
		return
	}
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "strangeness", "strangeness": s}))
		return
	}
	fmt.Fprintf(p.out, "\nthe answer is unknown above a strangeness of %.1f, which %s of %d validation pictures do not exceed\n", s.Limit, share(s.Quantile), s.Pictures)
}
