package command

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/interpret"
)

// thresholds prints the thresholds of labels, at most twenty of them.
func (p *printer) thresholds(chosen []interpret.Threshold) {
	if len(chosen) == 0 {
		return
	}
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "thresholds", "labels": chosen}))
		return
	}
	const most = 20
	fmt.Fprintf(p.out, "\nthresholds, chosen on the validation pictures, where they give\n")
	shown := chosen[:min(len(chosen), most)]
	width := len("label")
	for _, t := range shown {
		width = max(width, len([]rune(t.Label)))
	}
	fmt.Fprintf(p.out, "%-*s  threshold  precision  recall  pictures\n", width, "label")
	for _, t := range shown {
		fmt.Fprintf(p.out, "%-*s  %9.3f  %9.3f  %6.3f  %8d\n", width, t.Label, t.Value, t.Precision, t.Recall, t.Actual)
	}
	if n := len(chosen) - len(shown); n > 0 {
		fmt.Fprintf(p.out, "and %d more labels\n", n)
	}
	if i := slices.IndexFunc(chosen, func(t interpret.Threshold) bool { return t.Actual == 0 }); i >= 0 {
		p.note("warning: no validation picture has the label %q (and perhaps others), so its threshold stays at 0.5", chosen[i].Label)
	}
}
