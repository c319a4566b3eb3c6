package command

import (
	"fmt"

	"github.com/whippet-ml/whippet/interpret"
)

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
