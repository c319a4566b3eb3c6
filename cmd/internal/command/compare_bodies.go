package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/pretrained"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// compareFlags are those of whippet compare-bodies.
type compareFlags struct {
	learnerFlags
	folds int
}

// comparedBody is a line of the table.
type comparedBody struct {
	Body       string    `json:"body"`
	Arch       string    `json:"architecture"`
	Size       int       `json:"size"` // of the input, in pixels
	Error      float64   `json:"error"`
	Spread     *float64  `json:"spread"` // of Errors
	Errors     []float64 `json:"errors"` // of the folds
	Seconds    float64   `json:"seconds"`
	Cached     int       `json:"cached"`     // pictures whose features were known already
	TrainedOn  int       `json:"trained_on"` // of the pictures, as far as it is known
	Millis     float64   `json:"ms_a_picture"`
	Parameters int       `json:"parameters"`
	Bytes      int       `json:"bytes"` // of a model file, about
}

func newCompareBodies() *cobra.Command {
	f := &compareFlags{learnerFlags: learnerFlags{Config: run.Default()}, folds: 5}
	f.HeadOnly, f.Group = "linear", ""
	cmd := &cobra.Command{
		Use:   "compare-bodies BODY... --data FOLDER",
		Short: "Compare networks on your pictures by heads on their features, in minutes: error, time and size",
		Long: `Take the features that the bodies of several networks have of the same labeled pictures,
fit a head to them in every fold of a cross-validation, as train --head-only does, and print
how often each is wrong, how long it takes and how large it is, the best first.

BODY is what --weights of train takes, and embed: a name that whippet models lists, such as
timm/resnet50.a1_in1k, the name of an architecture (its usual weights), a folder of the Hub's
layout, a model of Whippet's, or ARCHITECTURE=FILE for a file of weights. Each prepares pictures as train --head-only would.

All bodies are judged on the same folds. What is alike stays on one side of a fold:
near-duplicates, which are looked for, or what --group names; --group none looks for nothing.
Features are kept, so that the second time, and train --head-only, take moments.`,
		Example: `  whippet compare-bodies resnet18 timm/resnet50.a1_in1k timm/vit_small_patch14_dinov2.lvd142m --data photos/
  whippet compare-bodies squeezenet1_1 resnet34 --data pets --folds 10 --head-only nearest-mean --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	dataFlags(cmd, &f.Config)
	fl := cmd.Flags()
	for _, name := range []string{"valid", "task", "range"} {
		_ = fl.MarkHidden(name) // the folds say what is for validation, and numbers have no head
	}
	fl.Lookup("group").Usage += "; none for nothing (default duplicates)"
	fl.IntVarP(&f.folds, "folds", "k", f.folds, "number of folds")
	fl.StringVar(&f.HeadOnly, "head-only", f.HeadOnly, "`HOW` heads are fitted: linear (softmax regression with --weight-decay), nearest-mean or knn (a vote of the nearest pictures)")
	fl.Float64Var(&f.WeightDecay, "weight-decay", f.WeightDecay, "weight decay of linear heads")
	fl.IntVar(&f.Size, "size", f.Size, "side of every network's input, in pixels; left out, each network's own")
	fl.IntVar(&f.Presize, "presize", f.Presize, "square to which every picture is resized first, in pixels; 0 for none")
	fl.BoolVar(&f.json, "json", false, "print JSON")
	fl.IntVar(&f.threads, "threads", 0, "threads that compute; 0 for all cores")
	fl.IntVar(&f.workers, "workers", 0, "goroutines that decode pictures; 0 for as many as cores")
	return cmd
}

func (f *compareFlags) run(cmd *cobra.Command, names []string) error {
	ctx, changed := cmd.Context(), cmd.Flags().Changed
	switch {
	case changed("valid"):
		return fmt.Errorf("--valid %s: the folds say which pictures are for validation: give --folds", f.Valid)
	case f.TaskName != "":
		return fmt.Errorf("--task %s: bodies are compared by how often classes or labels are wrong, and not for numbers", f.TaskName)
	case f.folds < 2 || f.folds > run.MaxFolds:
		return fmt.Errorf("--folds %d: must be 2 to %d", f.folds, run.MaxFolds)
	case f.HeadOnly == "":
		return errors.New("--head-only: must be linear, nearest-mean or knn")
	}
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			return fmt.Errorf("the body %s is named twice", n)
		}
	}
	if f.Data == "" {
		return errors.New("name the pictures with --data")
	}
	if err := f.CheckHeadOnly(changed, 1); err != nil {
		return err
	}
	if err := f.setThreads(); err != nil {
		return err
	}
	if !changed("group") {
		f.Group = "duplicates"
	} else if f.Group == "none" {
		f.Group = ""
	}
	p := printerOn(cmd, f.json)
	defer p.close()
	bodies, err := f.open(ctx, names, changed)
	if err != nil {
		return err
	}
	f.Valid = fmt.Sprintf("fold:1/%d", f.folds)
	root, err := f.Prepare(ctx, datasets.WithProgress(p.download))
	if err != nil {
		return err
	}
	of, err := f.Fold(ctx, root, f.folds)
	if err != nil {
		return err
	}
	if !f.json {
		p.close()
		fmt.Fprintf(p.out, "%d pictures, %s: %d folds, %s\n\n", len(of.Items), inWordsClasses(of), f.folds, f.together())
	}
	var table []comparedBody
	var judged []features.Judged
	for i, b := range bodies {
		known, err := of.TrainedOn(names[i])
		if err != nil {
			return err
		}
		if known > 0 {
			p.note("warning: the body of %s was trained on %d of these %d pictures, so that its error flatters it", names[i], known, len(of.Items))
		}
		line, j, err := b.judge(ctx, of, p)
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		line.Body, line.TrainedOn = names[i], known
		table, judged = append(table, line), append(judged, j)
	}
	p.close()
	best, fast, err := features.Choose(judged)
	if err != nil {
		return err
	}
	say := advice(table[best], table[fast], len(table))
	train := bodies[fast].command()
	slices.SortStableFunc(table, func(a, b comparedBody) int {
		return cmp.Or(cmp.Compare(a.Error, b.Error), cmp.Compare(a.Millis, b.Millis))
	})
	if f.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"pictures": len(of.Items), "classes": of.Vocab, "folds": f.folds, "group": f.Group, "head": f.HeadOnly,
			"bodies": table, "advice": say, "train": train}))
		return nil
	}
	printBodies(p.out, table)
	fmt.Fprintf(p.out, "\n%s\n\n    %s\n", say, train)
	return nil
}

// together says what folds do not part.
func (f *compareFlags) together() string {
	switch f.Group {
	case "duplicates":
		return "near-duplicates on one side"
	case "":
		return "each picture by itself"
	}
	return "groups by " + f.Group + " on one side"
}

// inWordsClasses says how many classes or labels there are.
func inWordsClasses(of *run.Folded) string {
	if of.Task.Exclusive() {
		return fmt.Sprintf("%d classes", len(of.Vocab))
	}
	return fmt.Sprintf("%d labels", len(of.Vocab))
}

// openedBody is a network whose features are judged, with the settings of a training on them.
type openedBody struct {
	learnerFlags
	model *models.Classifier
}

// open opens the bodies, before any work is done.
func (f *compareFlags) open(ctx context.Context, names []string, changed func(string) bool) ([]*openedBody, error) {
	var out []*openedBody
	for _, name := range names {
		b := &openedBody{learnerFlags: f.learnerFlags}
		var err error
		if b.model, b.Weights, err = bodyNamed(ctx, name); err != nil {
			return nil, err
		}
		b.Arch = b.model.Arch.Name
		if err := b.adaptDefaults(ctx, func(flag string) bool { return flag == "arch" || changed(flag) }); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		b.Head = b.HeadOfFit()
		if err := b.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, b)
	}
	return out, nil
}

// bodyNamed returns the network that BODY stands for, and the --weights of its training.
func bodyNamed(ctx context.Context, name string) (c *models.Classifier, weights string, err error) {
	if arch, file, ok := strings.Cut(name, "="); ok {
		a, err := models.ByName(arch)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", name, err)
		}
		w, err := pretrained.Find(ctx, file, a, pretrained.Options{})
		if err != nil {
			return nil, "", err
		}
		loaded, err := w.Load(ctx)
		if err != nil {
			return nil, "", err
		}
		c := models.NewOwnHead(a, 1, rng.New(0)) // of which nothing but the body counts
		if err := c.SetBody(loaded); err != nil {
			return nil, "", fmt.Errorf("%s: %w", name, err)
		}
		return c, file, nil
	}
	c, _, err = openBody(ctx, name)
	if errors.Is(err, models.ErrNoClassifier) {
		return nil, "", fmt.Errorf("%w; a file of weights that does not say of which network is given as ARCHITECTURE=%s", err, name)
	}
	if _, known := models.ByName(name); err == nil && known == nil {
		name = "default"
	}
	return c, name, err
}

// judge takes the features of all pictures and judges heads on them.
func (b *openedBody) judge(ctx context.Context, of *run.Folded, p *printer) (line comparedBody, j features.Judged, err error) {
	o, err := featureOptions(b.workers, p)
	if err != nil {
		return line, j, err
	}
	x, err := b.Extractor(b.model, b.Preprocess(), o)
	if err != nil {
		return line, j, err
	}
	began := time.Now()
	all, err := x.Of(ctx, of.Source, of.Items)
	if err != nil {
		return line, j, err
	}
	row := map[int]int{} // of items; damaged ones have none
	for r, i := range all.Index {
		row[i] = r
	}
	rows := func(items []int) []int {
		var out []int
		for _, i := range items {
			if r, ok := row[i]; ok {
				out = append(out, r)
			}
		}
		return out
	}
	var train, valid [][]int
	for k := range of.Train {
		train, valid = append(train, rows(of.Train[k])), append(valid, rows(of.Valid[k]))
	}
	classes := len(of.Vocab)
	if j.CrossValidated, err = features.CrossValidate(ctx, all.Values, of.Targets.Gather(all.Index), classes, train, valid, b.SolveHead); err != nil {
		return line, j, err
	}
	line = comparedBody{Arch: b.Arch, Size: b.Preprocess().Size, Error: j.Mean, Errors: j.Errors, Seconds: time.Since(began).Seconds(), Cached: all.Cached}
	if !math.IsNaN(j.Spread) {
		line.Spread = &j.Spread
	}
	for _, e := range nn.State(b.model.FeatureNet()) {
		n := tensor.Size(e.Shape...)
		if line.Bytes += 4 * n; e.Param != nil {
			line.Parameters += n
		}
	}
	head := classes * (b.model.Arch.Features + 1)
	line.Parameters, line.Bytes = line.Parameters+head, line.Bytes+4*head
	line.Millis, err = millis(b.model, line.Size)
	j.Milliseconds = line.Millis
	return line, j, err
}

// millis returns the milliseconds that one picture takes through the body, the least of a few.
func millis(c *models.Classifier, size int) (float64, error) {
	net, x := nn.Compile(c.FeatureNet()), tensor.New(1, size, size, 3)
	var took []float64
	for i := range 6 {
		began := time.Now()
		if _, err := net.Run(x); err != nil {
			return 0, err
		}
		if i > 0 { // the first makes the buffers
			took = append(took, float64(time.Since(began).Microseconds())/1000)
		}
	}
	return slices.Min(took), nil
}

// command is the training that has this body's head.
func (b *openedBody) command() string {
	args := []string{"whippet train --data", shellName(b.Data)}
	if b.Weights == "default" {
		args = append(args, "--arch", b.Arch)
	} else {
		args = append(args, "--arch", b.Arch, "--weights", shellName(b.Weights))
	}
	d := run.Default()
	if b.Label != d.Label {
		args = append(args, "--label", shellName(b.Label))
	}
	if b.LabelDelim != "" {
		args = append(args, "--label-delim", shellName(b.LabelDelim))
	}
	args = append(args, "--head-only", b.HeadOnly)
	if b.Size != d.Size {
		args = append(args, "--size", fmt.Sprint(b.Size), "--presize", fmt.Sprint(b.Presize))
	}
	return strings.Join(args, " ")
}

// shellName is a name for a shell.
func shellName(s string) string {
	if strings.ContainsAny(s, " '\"$*?()[]{}|&;<>\\`\t\n") || s == "" {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// advice says which body to take.
func advice(best, fast comparedBody, of int) string {
	switch {
	case of == 1:
		return fmt.Sprintf("There is one body only: %s is wrong on %s.", best.Body, share(best.Error))
	case best.Body == fast.Body:
		return fmt.Sprintf("Take %s: it has the lowest error, %s, and none that is as good is faster.", best.Body, share(best.Error))
	}
	return fmt.Sprintf("%s has the lowest error, %s. %s, with %s, is not worse by more than chance (one standard error over the folds) and takes %.1f ms a picture instead of %.1f: take that, unless every picture counts.",
		best.Body, share(best.Error), fast.Body, share(fast.Error), fast.Millis, best.Millis)
}

// printBodies prints the table.
func printBodies(w io.Writer, table []comparedBody) {
	width, known := len("body"), false
	for _, b := range table {
		width = max(width, len([]rune(b.Body)))
	}
	fmt.Fprintf(w, "%-*s  %8s  %8s  %8s  %6s  %7s  %10s  %6s\n", width, "body", "error", "± folds", "seconds", "ms", "input", "parameters", "MB")
	for _, b := range table {
		spread, mark := "–", ""
		if b.Spread != nil {
			spread = fmt.Sprintf("%.4f", *b.Spread)
		}
		if b.Cached > 0 {
			mark, known = "*", true
		}
		fmt.Fprintf(w, "%-*s  %8.4f  %8s  %8s  %6.1f  %7s  %9.1fM  %6.1f\n", width, b.Body, b.Error, spread, fmt.Sprintf("%.1f%s", b.Seconds, mark), b.Millis, fmt.Sprintf("%d×%[1]d", b.Size), float64(b.Parameters)/1e6, float64(b.Bytes)/1e6)
	}
	if known {
		fmt.Fprintln(w, "* features were kept from before")
	}
}
