package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/interpret/gradcam"
	"github.com/whippet-ml/whippet/interpret/page"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// judged is a saved model and the pictures to judge it on. Several commands
// share it.
type judged struct {
	run.Config
	all     bool // every picture, not only those for validation
	json    bool
	workers int

	model *models.Classifier
	info  models.Info
	path  string // of the model file
	root  string

	trained run.Config // of the model's training, as far as it is known
	why     string     // these pictures are judged; see choose
}

func (j *judged) flags(cmd *cobra.Command) {
	d := run.Default()
	j.Config = d
	dataFlags(cmd, &j.Config)
	fl := cmd.Flags()
	for name, usage := range map[string]string{
		"data":       "the pictures: a folder, an archive, an address or a known set's name; by default those the model was trained on",
		"label":      "labels: regex:PATTERN on the file name, folder, csv:FILE[:COLUMN], or auto; by default as in training",
		"valid":      "validation set: a share such as 0.2, folder:TRAIN,VALID, column:NAME, fold:K/N, or auto; by default as in training",
		"split-seed": "seed of the random split; by default as in training",
	} {
		fl.Lookup(name).Usage = usage
	}
	fl.BoolVar(&j.all, "all", false, "take every picture, not only those for validation")
	fl.IntVar(&j.Batch, "batch", d.Batch, fmt.Sprintf("pictures in a batch (default %d)", data.DefaultBatchSize))
	fl.IntVar(&j.workers, "workers", 0, "goroutines that decode pictures; 0 for as many as cores")
	fl.BoolVar(&j.json, "json", false, "print JSON")
}

// plan loads the model and fills in what was not given from its description:
// the data, labels and split of its training. It returns the pictures' plan.
func (j *judged) plan(ctx context.Context, path string, changed func(string) bool, p *printer) (data.Block, error) {
	path, fixed, err := sourceFile(ctx, path)
	if err != nil {
		return data.Block{}, err
	}
	j.path = path
	if j.model, j.info, err = openModel(ctx, fixed); err != nil {
		return data.Block{}, err
	}
	var notes struct {
		Config run.Config `json:"config"`
	}
	if len(j.info.Training) > 0 {
		_ = json.Unmarshal(j.info.Training, &notes) // free notes of another program are no mistake
	}
	c := notes.Config
	// The model does not say where it was trained, its run's folder does.
	if of, err := run.ReadConfig(filepath.Join(filepath.Dir(path), run.ConfigFile)); err == nil && of.Data == c.Data {
		c.Dir = of.Dir
	}
	if !changed("data") {
		j.Data, j.Dir = c.Data, c.Dir
	}
	if c.Label != "" {
		set(changed("label"), &j.Label, c.Label)
		set(changed("label") || changed("path-column"), &j.PathColumn, c.PathColumn)
		set(changed("label") || changed("label-delim"), &j.LabelDelim, c.LabelDelim)
		set(changed("label") || changed("task"), &j.TaskName, c.TaskName)
		set(changed("range"), &j.Range, c.Range)
		set(changed("valid"), &j.Valid, c.Valid)
		set(changed("split-seed"), &j.SplitSeed, c.SplitSeed)
		if j.trained = c; !resplit(changed) && !changed("label") && (!changed("data") || j.sameData()) {
			j.Group, j.Stratify = c.Group, c.Stratify
		}
		set(changed("damaged"), &j.Damaged, c.Damaged)
		j.MinScale, j.Augment = c.MinScale, c.Augment // for test-time augmentation
	}
	if j.Data == "" {
		return data.Block{}, errors.New("the model does not say what it was trained on: name the pictures with --data")
	}
	j.Metrics = "" // the interpretation has its own
	j.Arch, j.Size, j.Presize = j.info.Arch, j.info.Preprocess.Size, j.info.Preprocess.Presize
	settings := j.Config
	if settings.Batch == 1 { // too small to train only
		settings.Batch = 2
	}
	if err := settings.Check(); err != nil {
		return data.Block{}, err
	}
	if j.root, err = j.Prepare(ctx, datasets.WithProgress(p.download)); err != nil {
		return data.Block{}, err
	}
	block, err := j.Block(j.root)
	if err != nil {
		return block, err
	}
	block.Workers, j.trained = j.workers, c
	return block, nil
}

type interpretFlags struct {
	judged
	out    string
	table  string
	matrix string
	top    int
	tta    int

	strange *interpret.Strange // of the pictures judged; nil where the model does not measure it
}

func newInterpret() *cobra.Command {
	f := &interpretFlags{}
	cmd := &cobra.Command{
		Use:   "interpret MODEL",
		Short: "See where a model is right and wrong: scores, confusions, worst mistakes, a report page",
		Long: `Judge a saved model on labeled pictures and print its scores by class, the pairs
of classes that it confuses and the worst mistakes. --out writes all of it, with
pictures and where the model looked, as one HTML page that needs no network.

` + modelHelp + `
Without --data, the validation pictures of its training are judged; of other data all pictures are, unless
--valid says which. The first line tells how many of how many and why, and how
many of them the model was trained on.`,
		Example: `  whippet interpret runs/first --out report.html
  whippet interpret model.safetensors --data photos/ --label folder --all --table predictions.csv`,
		Args:        cobra.ExactArgs(1),
		Annotations: onRanks,
		RunE:        func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.flags(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.out, "out", "o", "", "write the report to this file, .html")
	fl.StringVar(&f.table, "table", "", "write every prediction to this file as CSV")
	renamed(cmd, "csv", "table")
	fl.StringVar(&f.matrix, "matrix", "", "draw the confusion matrix to this file, .png or .svg")
	fl.IntVar(&f.tta, "tta", 0, "test-time augmentation: average the predictions over this many augmented passes (fastai: 4); 0 for none")
	fl.IntVar(&f.top, "top", 9, "worst mistakes and most confused pairs that are printed")
	return cmd
}

func (f *interpretFlags) run(cmd *cobra.Command, path string) error {
	ctx := cmd.Context()
	if ext := strings.ToLower(filepath.Ext(f.matrix)); f.matrix != "" && ext != ".png" && ext != ".svg" {
		return fmt.Errorf("--matrix %s: the name must end in .png or .svg", f.matrix)
	}
	if f.top < 1 {
		return fmt.Errorf("--top %d: must be 1 or more", f.top)
	}
	if f.tta < 0 || f.tta > 1000 {
		return fmt.Errorf("--tta %d: must be 0 to 1000", f.tta)
	}
	p := printerOn(cmd, f.json)
	defer p.close()
	plan, err := onceAMachine(ctx, func() (data.Block, error) { return f.plan(ctx, path, cmd.Flags().Changed, p) })
	if err != nil {
		return err
	}
	if numbers, err := f.numbers(); err != nil {
		return err
	} else if numbers && f.matrix != "" {
		return fmt.Errorf("--matrix %s: numbers have no confusion matrix; --table has them beside the predicted ones", f.matrix)
	}
	if f.matrix != "" && !task.Or(plan.Task).Exclusive() {
		return fmt.Errorf("--matrix %s: pictures with several labels have no confusion matrix; --out report.html has a 2×2 table of every label, and which labels come together", f.matrix)
	}
	f.choose(&plan, cmd.Flags().Changed)
	l, err := interpret.ModelLearner(ctx, f.model, f.info, plan, f.root, train.Distributed(group(ctx)))
	if err != nil {
		return err
	}
	defer l.DLs.Close()
	if err := agree(ctx, f.Config, fmt.Sprintf("--tta %d", f.tta), l); err != nil {
		return err
	}
	judgment, err := f.judgment(ctx, l.DLs)
	if err != nil {
		return err
	}
	if !f.json {
		p.close()
		fmt.Fprintf(p.out, "%s\n\n", judgment)
	}
	var table *interpret.Table
	if f.tta > 0 {
		table, err = interpret.FromTTA(ctx, l, f.tta, 0.25)
	} else {
		table, err = interpret.FromLearner(ctx, l)
	}
	if err != nil {
		return err
	}
	p.close()
	if !first(ctx) {
		return nil
	}
	if f.info.Strangeness != nil {
		if f.strange, err = f.measureStrangeness(ctx, l, table, p); err != nil {
			return err
		}
	}
	if err := f.print(p.out, table, judgment); err != nil {
		return err
	}
	return f.files(ctx, table, l)
}

// shownRisks bounds the points of the risk-coverage curve in JSON.
const shownRisks = 200

// print writes the text, or one JSON object.
func (f *interpretFlags) print(w io.Writer, t *interpret.Table, g judgment) error {
	if t.Rows[0].Numbers != nil {
		return f.printNumbers(w, t, g)
	}
	if t.Rows[0].Actual == interpret.NoClass {
		return f.printLabels(w, t, g)
	}
	m, cal := t.ConfusionMatrix(), t.Calibration(0)
	risks, err := t.RiskCoverage()
	if err != nil {
		return err
	}
	pairs := m.MostConfused(1)
	pairs = pairs[:min(len(pairs), f.top)]
	if f.json {
		all := map[string]any{"judgment": g, "pictures": t.Len(), "loss": t.MeanLoss(), "report": t.Report(),
			"most_confused": pairs, "top_losses": t.TopLosses(f.top), "calibration": cal}
		if u := t.Unscaled(); u != nil {
			all["temperature"], all["calibration_unscaled"] = f.info.Temperature, u.Calibration(0)
		}
		all["risk_coverage"] = risks.Thinned(shownRisks)
		if a := f.info.Abstention; a != nil {
			all["abstention"] = t.Abstained(*a)
		}
		if c := f.info.Conformal; c != nil {
			all["sets"] = t.Sets(*c)
		}
		if f.strange != nil {
			all["strangeness"] = f.strange
		}
		_, err := fmt.Fprintln(w, mustJSON(all))
		return err
	}
	wrong := t.Len() - m.Correct()
	fmt.Fprintf(w, "%d pictures, %d wrong: error rate %.4f, loss %.4f\n\n", t.Len(), wrong, 1-t.Accuracy(), t.MeanLoss())
	fmt.Fprintln(w, t.Report())
	if len(t.Vocab) <= 20 {
		fmt.Fprintf(w, "confusion matrix: rows are actual classes, columns predicted ones\n%s\n", m)
	}
	if len(pairs) > 0 {
		fmt.Fprintf(w, "most confused\n%s\n", interpret.MostConfusedText(pairs))
	}
	fmt.Fprintf(w, "top losses\n%s\n", t.TopLossesText(f.topLosses(t)))
	fmt.Fprintf(w, "calibration: %s\n", cal)
	if u := t.Unscaled(); u != nil {
		fmt.Fprintf(w, "without the temperature, which is %.3f: %s\n", f.info.Temperature, u.Calibration(0))
	}
	half := risks.At(0.5)
	_, err = fmt.Fprintf(w, "risk and coverage: AURC %.4f, of which %.4f because wrong answers are not the least sure ones; the surer half has an error rate of %.4f\n", risks.AURC, risks.Excess, half.Risk)
	if a := f.info.Abstention; a != nil {
		s := t.Abstained(*a)
		_, err = fmt.Fprintf(w, "unknown below a score of %.3f: %d of %d pictures are answered (%s), %s of them right; %d wrong and %d right answers are not given\n",
			a.Below, s.Answered, t.Len(), share(s.Coverage), share(s.Precision), s.Spared, s.Lost)
	}
	if c := f.info.Conformal; c != nil {
		s := t.Sets(*c)
		fmt.Fprintf(w, "sets of classes with a coverage of %s: %s of the pictures have their class in the set, of %.2f classes on average; the least of one class is %s, of %d pictures of %s\n",
			share(s.Wanted), share(s.Covered), s.Mean, share(s.Worst.Covered), s.Worst.Count, s.Worst.Class)
		for _, n := range s.Sizes {
			_, err = fmt.Fprintf(w, "  sets of %d: %d, %s of them with their class\n", n.Size, n.Count, share(n.Covered))
		}
	}
	if s := f.strange; s != nil {
		fmt.Fprintf(w, "strangeness: half of the pictures are not above %.1f; unknown above %.1f: %d of %d; the strangest\n", s.Median(), s.Limit, s.Above, s.Pictures)
		for _, r := range s.Strangest[:min(len(s.Strangest), f.top)] {
			_, err = fmt.Fprintf(w, "  %.1f  %s, called %s, is %s\n", r.Distance, f.short(r.Path), r.Predicted, r.Actual)
		}
	}
	return err
}

// measureStrangeness takes the features of the pictures judged, which are kept for the next time.
func (f *interpretFlags) measureStrangeness(ctx context.Context, l *train.Learner, t *interpret.Table, p *printer) (*interpret.Strange, error) {
	o, err := featureOptions(f.workers, p)
	if err != nil {
		return nil, err
	}
	x, err := f.Extractor(f.model, f.info.Preprocess, o)
	if err != nil {
		return nil, err
	}
	if err := t.MeasureStrangeness(ctx, l, x); err != nil {
		return nil, err
	}
	p.close()
	s, err := t.Strange(*f.info.Strangeness, max(f.top, 12))
	return &s, err
}

// short is a path below the data's folder, where it lies there.
func (f *interpretFlags) short(path string) string {
	if rel, err := filepath.Rel(f.root, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}

// topLosses returns the worst mistakes, with paths below the data's folder: that of
// a downloaded set says nothing.
func (f *interpretFlags) topLosses(t *interpret.Table) []interpret.Loss {
	top := t.TopLosses(f.top)
	for i := range top {
		top[i].Path = f.short(top[i].Path)
	}
	return top
}

// files writes what was asked for.
func (f *interpretFlags) files(ctx context.Context, t *interpret.Table, l *train.Learner) error {
	save := func(flag, path string, write func(w io.Writer) error) error {
		if path == "" {
			return nil
		}
		if err := files.WriteFile(path, write); err != nil {
			return fmt.Errorf("--%s %s: %w", flag, path, err)
		}
		fmt.Fprintf(os.Stderr, "wrote %s\n", path)
		return nil
	}
	if err := save("table", f.table, t.WriteCSV); err != nil {
		return err
	}
	if f.matrix != "" {
		fig, err := t.ConfusionMatrix().Plot(plot.ConfusionOptions{})
		if err == nil {
			err = fig.Save(f.matrix)
		}
		if err != nil {
			return fmt.Errorf("--matrix %s: %w", f.matrix, err)
		}
	}
	if f.out == "" {
		return nil
	}
	pre := f.info.Preprocess
	looked, err := interpret.Look(ctx, l, t.TopLosses(page.DefaultTopLosses), pre.Stats)
	if errors.Is(err, gradcam.ErrPooled) {
		fmt.Fprintf(os.Stderr, "whippet: the report does not show where the model looked: %v\n", err)
	} else if err != nil {
		return err
	}
	in := page.Input{Table: t, Open: interpret.OpenFrom(l.DLs.Block.Items), Root: f.root, Looked: looked, Time: time.Now(), Facts: f.facts(), Abstention: f.info.Abstention, Conformal: f.info.Conformal, Strange: f.strange}
	if in.History, err = page.ReadHistory(f.info.Training); err != nil {
		fmt.Fprintf(os.Stderr, "whippet: the report has no training curves: %v\n", err)
	}
	return save("out", f.out, func(w io.Writer) error { return page.Write(ctx, w, in, page.Options{}) })
}

// facts are the lines about model and data in the report's summary.
func (f *interpretFlags) facts() [][2]string {
	pre, kind := f.info.Preprocess, [2]string{"classes", fmt.Sprint(len(f.info.Vocab))}
	if numbers, err := f.numbers(); err == nil && numbers {
		kind = [2]string{"numbers", strings.Join(f.info.Vocab, ", ")}
	}
	return [][2]string{
		{"network", f.info.Arch}, {"input", fmt.Sprintf("%d×%d", pre.Size, pre.Size)}, kind,
		{"data", f.Data}, {"pictures", f.why}, {"labels", f.Label},
	}
}
