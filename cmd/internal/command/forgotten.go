package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/train"
)

// forgotten says what the classes of the model of --from lost when it learned further
// ones. The model is whole without it.
func (f *trainFlags) forgotten(ctx context.Context, l *train.Learner, p *printer) {
	lost, err := f.Forgotten(ctx, l)
	if err != nil {
		p.note("what the classes of --from lost could not be judged: %v", err)
		return
	}
	if lost == nil {
		return
	}
	if p.json {
		var classes []map[string]any
		for _, c := range lost.Changes {
			m := map[string]any{"label": c.Label, "pictures": c.Pictures, "to_new": c.ToNew}
			if c.Pictures > 0 {
				m["before"], m["after"] = c.Before, c.After
			}
			classes = append(classes, m)
		}
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "grown", "classes": classes, "trained_on": lost.Known}))
		return
	}
	p.lost(lost)
}

// lost prints the classes, at most twenty of them, those that lost the most first, and
// what they lost together.
func (p *printer) lost(f *run.Forgotten) {
	const most = 20
	pictures, before, after, toNew, width := 0, 0.0, 0.0, 0, len("all of them")
	judged := f.Changes[:0:0]
	for _, c := range f.Changes {
		if c.Pictures == 0 {
			continue
		}
		judged = append(judged, c)
		pictures, toNew = pictures+c.Pictures, toNew+c.ToNew
		before, after = before+c.Before*float64(c.Pictures), after+c.After*float64(c.Pictures)
		width = max(width, len([]rune(c.Label)))
	}
	if pictures == 0 {
		return
	}
	slices.SortStableFunc(judged, func(a, b interpret.Change) int { return cmp.Compare(a.After-a.Before, b.After-b.Before) })
	fmt.Fprintf(p.out, "\nwhat the model of --from found of its classes, and finds now, on the validation pictures\n%-*s  pictures  before   after  taken for a new class\n", width, "label")
	line := func(label string, n int, before, after float64, toNew int) {
		fmt.Fprintf(p.out, "%-*s  %8d  %6.3f  %6.3f  %21d\n", width, label, n, before, after, toNew)
	}
	for _, c := range judged[:min(len(judged), most)] {
		line(c.Label, c.Pictures, c.Before, c.After, c.ToNew)
	}
	if n := len(judged) - most; n > 0 {
		fmt.Fprintf(p.out, "and %d more, which lost less\n", n)
	}
	line("all of them", pictures, before/float64(pictures), after/float64(pictures), toNew)
	if f.Known > 0 {
		p.note("note: the model of --from was trained on %d of these pictures, so that what it found before is flattered", f.Known)
	}
}
