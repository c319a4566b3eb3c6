package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// confidenceModelFlags are those of whippet confidence.
type confidenceModelFlags struct {
	judged
	out     string
	inPlace bool
}

// confidenceNames are the flags of confidenceFlags.
var confidenceNames = []string{"thresholds", "calibrate", "abstain", "conformal", "strangeness"}

func newConfidence() *cobra.Command {
	f := &confidenceModelFlags{}
	cmd := &cobra.Command{
		Use:     "confidence MODEL --out FILE.safetensors",
		Aliases: []string{"calibrate"},
		Short:   "Give a trained model a temperature, an abstention, sets of classes or a measure of strangeness",
		Long: `Fit on labeled pictures what says how far a trained model's answers can be trusted, as train
does at its end with the same flags, and write the model with it to a new file. The
network stays as it is. See docs/confidence.md.

` + modelHelp + `
Without --data, the validation pictures of its training are taken, and for --strangeness
the training pictures too; of other data all pictures are, unless --valid says which.
They should be pictures that the model was not trained on: a line tells.

What is not asked for stays as the model has it, but when the temperature changes, the
model's thresholds, abstention and sets are chosen anew by their own rules. --calibrate=false,
--abstain none, --conformal 0 and --strangeness 0 take away what the model has.`,
		Example: `  whippet confidence runs/first --calibrate --abstain precision:0.95 --out careful.safetensors
  whippet confidence runs/first --conformal 0.9 --strangeness 0.99 --in-place
  whippet confidence model.safetensors --data photos/ --label folder --calibrate --out calibrated.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.flags(cmd)
	confidenceFlags(cmd, &f.Config)
	for name, usage := range map[string]string{
		"calibrate":  "fit a temperature, so that of the answers given with 90 % nine in ten are right (temperature scaling); =false takes the model's away",
		"thresholds": "for several labels, the probability above which each is answered: f1 (the highest F1), f2, f0.5, precision:0.9 (the highest recall at that precision), or a number for all",
	} {
		cmd.Flags().Lookup(name).Usage = usage
	}
	cmd.Flags().Lookup("abstain").Usage += "; none takes the model's away"
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "write the model to this file, .safetensors")
	cmd.Flags().BoolVar(&f.inPlace, "in-place", false, "write the model to the file that it came from")
	return cmd
}

func (f *confidenceModelFlags) run(cmd *cobra.Command, name string) error {
	ctx, changed := cmd.Context(), cmd.Flags().Changed
	switch {
	case !slices.ContainsFunc(confidenceNames, changed):
		return errors.New("say what to fit: --" + strings.Join(confidenceNames, ", --"))
	case (f.out == "") == !f.inPlace:
		return errors.New("say where the model goes: --out FILE.safetensors for a new file, or --in-place for the one that it came from")
	case f.out != "" && !strings.EqualFold(filepath.Ext(f.out), ".safetensors"):
		return fmt.Errorf("--out %s: the name must end in .safetensors", f.out)
	}
	if _, err := os.Lstat(f.out); f.out != "" && err == nil {
		return fmt.Errorf("--out %s: it exists already: choose another name, or remove it; --in-place writes to the model's own file", f.out)
	}
	if parent := filepath.Dir(f.out); f.out != "" {
		if info, err := os.Stat(parent); err != nil || !info.IsDir() {
			return fmt.Errorf("--out %s: there is no folder %s", f.out, parent)
		}
	}
	noAbstention := f.Abstain == "none"
	if noAbstention {
		f.Abstain = ""
	}
	p := printerOn(cmd, f.json)
	defer p.close()
	plan, err := f.plan(ctx, name, changed, p)
	if err != nil {
		return err
	}
	if f.inPlace {
		if _, _, err := models.Load(f.path); err != nil {
			return fmt.Errorf("--in-place: %s is no file of a model of Whippet's: give --out FILE.safetensors: %w", name, err)
		}
	}
	if task.Continuous(task.Or(plan.Task)) {
		return errors.New("the model predicts numbers, which have no probabilities: there is nothing to fit")
	}
	f.choose(&plan, changed)
	l, err := interpret.ModelLearner(ctx, f.model, f.info, plan, f.root)
	if err != nil {
		return err
	}
	defer l.DLs.Close()
	f.start(l, changed, noAbstention)
	if err := f.check(l.DLs, changed); err != nil {
		return err
	}
	judgment, err := f.judgment(ctx, l.DLs)
	if err != nil {
		return err
	}
	p.close()
	if f.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "pictures", "judgment": judgment}))
	} else {
		fmt.Fprintf(p.out, "%s\n", strings.Replace(judgment.String(), "judging", "fitting to", 1))
	}
	if judgment.TrainedOn > 0 {
		p.note("warning: the model knows pictures that it was trained on better than others: what is fitted to them makes it too sure of itself")
	}
	with, err := featureOptions(f.workers, p)
	if err != nil {
		return err
	}
	fit := confidenceFit{Config: f.Config, l: l, pre: f.info.Preprocess, with: with, p: p, keepThresholds: !changed("thresholds") && !changed("calibrate")}
	if err := fit.run(ctx, func(err error) error { return fmt.Errorf("%w; nothing is written", err) }); err != nil {
		return err
	}
	return f.save(ctx, l, p)
}

// start gives the learner what stays of the model's, and the settings what is fitted because something else
// is.
func (f *confidenceModelFlags) start(l *train.Learner, changed func(string) bool, noAbstention bool) {
	if changed("calibrate") {
		l.Temperature = 0
		if a := l.Abstention; a != nil && a.Pictures > 0 && !changed("abstain") {
			f.Abstain = a.Rule
		}
		if c := l.Conformal; c != nil && !changed("conformal") {
			f.Conformal = c.Coverage
		}
	}
	if noAbstention {
		l.Abstention = nil
	}
	if changed("conformal") {
		l.Conformal = nil
	}
	if changed("strangeness") {
		l.Strangeness = nil
	}
	if changed("calibrate") && !changed("thresholds") {
		f.Thresholds = f.trained.Thresholds // "" is the usual rule
	}
}

// check reports why the pictures do not allow what is asked for.
func (f *confidenceModelFlags) check(dls *data.DataLoaders, changed func(string) bool) error {
	several := !dls.Task().Exclusive()
	if changed("thresholds") && !several {
		return fmt.Errorf("--thresholds %s: thresholds are for pictures with several labels, and the model answers with one", f.Thresholds)
	}
	for _, name := range []string{"abstain", "conformal", "strangeness"} {
		if several && changed(name) {
			return fmt.Errorf("--%s: it is for pictures with one class each, and the model's task is %s", name, dls.Task().Name())
		}
	}
	if f.Strangeness != 0 && len(dls.Train.Items()) < 2 {
		return fmt.Errorf("--strangeness %v: it is the distance to the training pictures, and of these pictures all are taken for validation (%s): leave --data out, or say with --valid which are for training", f.Strangeness, f.why)
	}
	return f.CheckConfidence(dls)
}

// save writes the model.
func (f *confidenceModelFlags) save(ctx context.Context, l *train.Learner, p *printer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	info := f.info
	info.Thresholds, info.Temperature, info.Abstention, info.Conformal, info.Strangeness = l.Thresholds, l.Temperature, l.Abstention, l.Conformal, l.Strangeness
	path := f.out
	if f.inPlace {
		path = f.path
	}
	if err := models.Save(path, f.model, info); err != nil {
		return err
	}
	if f.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "done", "out": path}))
	} else {
		fmt.Fprintf(p.out, "\nthe model is in %s\n", path)
	}
	return nil
}
