package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/show"
	"github.com/whippet-ml/whippet/train"
)

type lrFindFlags struct {
	learnerFlags
	finder   schedule.Finder
	frozen   bool
	unfrozen bool
	plot     string
	table    string
}

func newLRFind() *cobra.Command {
	f := &lrFindFlags{learnerFlags: learnerFlags{Config: run.Default()}}
	cmd := &cobra.Command{
		Use:   "lr-find",
		Short: "Look for a good learning rate: train a few steps at growing rates",
		Long: `Train up to 100 steps while the learning rate grows from 1e-7 to 10, and read
good rates out of how the loss moves (Smith 2017, fastai's lr_find). Nothing
that was trained is kept. The flags of data and model are those of train; of a recipe,
what says how steps are made counts.

With pretrained weights only the head trains, as in the first part of
fine-tuning; --unfrozen lets all layers train, usually after that part, with
--from naming its model.`,
		Example: `  whippet lr-find --data photos/ --label folder --plot lr.png
  whippet lr-find --data photos/ --from runs/first/model.safetensors --unfrozen --table lr.csv`,
		Args:        cobra.NoArgs,
		Annotations: onRanks,
		RunE:        func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.flags(cmd)
	optimizerFlags(cmd, &f.Updates)
	dropPathFlag(cmd, &f.Course)
	recipeFlag(cmd, &f.Config)
	fl := cmd.Flags()
	fl.BoolVar(&f.frozen, "frozen", false, "train the head (and batch norms) only; the default with pretrained weights")
	fl.BoolVar(&f.unfrozen, "unfrozen", false, "train all layers; the default with --weights none")
	fl.Float64Var(&f.finder.Start, "start", schedule.DefaultFinderStart, "first learning rate")
	fl.Float64Var(&f.finder.End, "end", schedule.DefaultFinderEnd, "learning rate that ends the search")
	fl.IntVar(&f.finder.Steps, "steps", schedule.DefaultFinderSteps, "steps at most")
	fl.StringVar(&f.plot, "plot", "", "draw the curve with the suggestions to this file, .png or .svg")
	fl.StringVar(&f.table, "table", "", "write the curve to this file as CSV: step, lr, smooth_loss, loss")
	renamed(cmd, "csv", "table")
	return cmd
}

func (f *lrFindFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	if f.frozen && f.unfrozen {
		return errors.New("--frozen and --unfrozen cannot be combined")
	}
	if ext := strings.ToLower(filepath.Ext(f.plot)); f.plot != "" && ext != ".png" && ext != ".svg" {
		return fmt.Errorf("--plot %s: the name must end in .png or .svg", f.plot)
	}
	// Zero means the default in the library; here it was given on purpose.
	if f.finder.Start == 0 || f.finder.End == 0 {
		return fmt.Errorf("--start %g --end %g: learning rates must be above 0 (fastai's are %g and %g)", f.finder.Start, f.finder.End, schedule.DefaultFinderStart, schedule.DefaultFinderEnd)
	}
	if f.finder.Steps < 8 {
		return fmt.Errorf("--steps %d: must be at least 8, of which the last 5 do not count (fastai's is %d)", f.finder.Steps, schedule.DefaultFinderSteps)
	}
	if err := f.setThreads(); err != nil {
		return err
	}
	if err := f.followRecipe(cmd); err != nil {
		return err
	}
	if err := f.adaptDefaults(ctx, cmd.Flags().Changed); err != nil {
		return err
	}
	begins, err := f.FirstStage()
	if err != nil {
		return err
	}
	f.Config = begins
	if err := f.Check(); err != nil {
		return err
	}
	if err := f.finder.Check(); err != nil {
		return err
	}
	p := printerOn(cmd, f.json)
	defer p.close()
	l, err := f.learner(ctx, p)
	if err != nil {
		return err
	}
	defer l.DLs.Close()
	done := 0 // the sweep may need several passes over the data
	l.Callbacks = append(l.Callbacks, train.CallbackFunc(func(e train.Event, l *train.Learner) error {
		if e == train.AfterBatch {
			done++
			p.progress("searching", done, f.finder.Max(), "steps")
		}
		return nil
	}))
	found, err := l.LRFind(ctx, f.finder)
	p.close()
	var odd *schedule.CurveError
	if err != nil && !errors.As(err, &odd) {
		return err
	}
	// A curve that gives no suggestion is written all the same, to be looked at.
	if first(ctx) {
		if e := f.write(found); e != nil {
			return e
		}
	}
	if err != nil || !first(ctx) {
		return err
	}
	f.print(p, l, found)
	return nil
}

// learner builds what the search trains.
func (f *lrFindFlags) learner(ctx context.Context, p *printer) (*train.Learner, error) {
	dls, err := f.loaders(ctx, p)
	if err != nil {
		return nil, err
	}
	l, err := onceAMachine(ctx, func() (*train.Learner, error) { return f.Learner(ctx, dls, train.Distributed(group(ctx))) })
	switch {
	case err == nil && f.unfrozen:
		err = l.Unfreeze()
	case err == nil && f.frozen:
		err = l.Freeze()
	}
	if err == nil {
		trained := fmt.Sprintf("--start %g --end %g --steps %d and layers from group %d on", f.finder.Start, f.finder.End, f.finder.Steps, l.FrozenTo())
		err = agree(ctx, f.Config, trained, l)
	}
	if err != nil {
		dls.Close()
		return nil, err
	}
	return l, nil
}

// write saves the curve and its plot where that was asked for.
func (f *lrFindFlags) write(found train.LRFinding) error {
	if f.table != "" {
		if err := files.WriteFile(f.table, func(w io.Writer) error { return found.Curve.WriteCSV(w) }); err != nil {
			return fmt.Errorf("--table %s: %w", f.table, err)
		}
	}
	if f.plot == "" {
		return nil
	}
	fig, err := show.LRFind(found, plot.LineOptions{})
	if err == nil {
		err = fig.Save(f.plot)
	}
	if err != nil {
		return fmt.Errorf("--plot %s: %w", f.plot, err)
	}
	return nil
}

func (f *lrFindFlags) print(p *printer, l *train.Learner, found train.LRFinding) {
	what := "all layers train"
	if l.FrozenTo() > 0 {
		what = "frozen: the head trains"
		if l.TrainBN {
			what += ", and the batch norms"
		}
	}
	list := found.List(found.Curve)
	if f.json {
		m := map[string]any{"event": "suggestions", "steps": len(found.Curve.LRs), "frozen": l.FrozenTo() > 0}
		for _, s := range list {
			if !math.IsNaN(s.LR) {
				m[s.Rule] = s.LR
			}
		}
		if found.Doubt != "" {
			m["doubt"] = found.Doubt
		}
		fmt.Fprintln(p.out, mustJSON(m))
		return
	}
	fmt.Fprintf(p.out, "%s, %s; %d steps, learning rate %.3g to %.3g\n\n", f.Arch, what, len(found.Curve.LRs), found.Curve.LRs[0], found.Curve.LRs[len(found.Curve.LRs)-1])
	fmt.Fprintln(p.out, "rule    learning rate  what it is")
	for _, s := range list {
		if math.IsNaN(s.LR) {
			fmt.Fprintf(p.out, "%-6s  %-13s  does not apply: %s\n", s.Rule, "-", reason(s.Err))
			continue
		}
		fmt.Fprintf(p.out, "%-6s  %-13.3g  %s\n", s.Rule, s.LR, s.Meaning)
	}
	switch {
	case found.Doubt != "":
		fmt.Fprint(p.out, "\nDoubtful: the loss never falls below where it began, so these rates follow its noise. That is\nusual for a model that is trained already")
		if f.From == "" {
			fmt.Fprint(p.out, "; for any other model, start lower (--start) or check the data")
		}
		fmt.Fprint(p.out, ". Look at the curve (--plot FILE) and take a\nrate ten times below where it begins to rise.\n")
	default:
		fmt.Fprint(p.out, "\nStart with valley; go up to min when training is stable and time is short. Pick a rate\nwhere the loss still falls clearly, never where it is lowest or rises again.\n")
	}
	for _, file := range []string{f.plot, f.table} {
		if file != "" {
			fmt.Fprintf(os.Stderr, "wrote %s\n", file)
		}
	}
}

// reason words why a rule gave nothing, without the curve's numbers.
func reason(err error) string {
	var odd *schedule.CurveError
	if errors.As(err, &odd) {
		return odd.Reason
	}
	return fmt.Sprint(err)
}
