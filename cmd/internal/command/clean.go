package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/clean"
	"github.com/whippet-ml/whippet/cmd/internal/localweb"
	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data/copies"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/train"
)

type cleanFlags struct {
	judged
	out     string
	address string
	top     int
	pairs   int
	limits  copies.Limits

	delimiter string // of the labels in the table, where pictures may have several
	numbers   string // the columns of the table's numbers, where pictures have these
}

// pageClose is how long a page may take to answer what was asked before the command ends.
const pageClose = 2 * time.Second

func newClean() *cobra.Command {
	f := &cleanFlags{limits: copies.DefaultLimits}
	cmd := &cobra.Command{
		Use:   "clean MODEL",
		Short: "Go through the pictures a model doubts, and near-duplicates, on a local page",
		Long: `Open a page on this machine that goes through the pictures with the highest
loss, and through pairs of pictures that are nearly the same in training and in
validation. Keep, relabel or drop each. What is decided is written at once to a
table (path, label, is_valid) that whippet train takes; pictures are only read.
Of a model that predicts numbers, the pictures that are the furthest off are shown, and their numbers can be mended.

The same command again continues where you stopped. MODEL is a model file or the
folder of a run. Without --data, the pictures of its training are taken.`,
		Example: `  whippet clean runs/first --out cleaned.csv
  whippet clean model.safetensors --data photos/ --label folder --out cleaned.csv
  whippet train --data photos/ --label csv:$PWD/cleaned.csv --valid column:is_valid`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.flags(cmd)
	fl := cmd.Flags()
	f.all = true
	fl.Lookup("all").DefValue = "true"
	fl.Lookup("all").Usage = "look for doubtful pictures among all, not only those for validation"
	fl.StringVarP(&f.out, "out", "o", "cleaned.csv", "the table; the decisions are beside it, in the same name and "+clean.DecisionsSuffix)
	fl.StringVar(&f.address, "address", localweb.DefaultAddress, "where the page is, host:port; port 0 is any free one")
	renamed(cmd, "addr", "address")
	fl.IntVar(&f.top, "top", 50, "doubtful pictures to show, those with the highest loss first")
	fl.IntVar(&f.pairs, "pairs", 200, "near-duplicates to show at most, the most alike first; 0 does not look for them")
	fl.IntVar(&f.limits.Bits, "duplicate-bits", f.limits.Bits, "how many of 64 bits of their hashes may differ between near-duplicates without edges; those with edges are found by these")
	return cmd
}

func (f *cleanFlags) check() error {
	switch {
	case f.top < 0 || f.pairs < 0:
		return errors.New("--top and --pairs must not be negative")
	case f.limits.Bits < 0 || f.limits.Bits > 32:
		return fmt.Errorf("--duplicate-bits %d: must be 0 to 32", f.limits.Bits)
	case !strings.EqualFold(filepath.Ext(f.out), ".csv"):
		return fmt.Errorf("--out %s: the name must end in .csv", f.out)
	}
	return nil
}

func (f *cleanFlags) run(cmd *cobra.Command, model string) error {
	if err := f.check(); err != nil {
		return err
	}
	ctx := cmd.Context()
	out, err := filepath.Abs(f.out)
	if err != nil {
		return err
	}
	p := newPrinter(cmd.OutOrStdout(), f.json)
	defer p.close()
	if f.readsTable(out, f.Data) {
		return fmt.Errorf("--out %s: the labels are read from this file: choose another name", f.out)
	}
	all := f.all
	f.all = false // the table needs the split as it is
	plan, err := f.plan(ctx, model, cmd.Flags().Changed, p)
	if err != nil {
		return err
	}
	if f.Data == run.Drawn {
		return errors.New("the drawn pictures are not files: there is nothing to clean; name other pictures with --data")
	}
	if f.readsTable(out, f.root) {
		return fmt.Errorf("--out %s: the labels are read from this file: choose another name", f.out)
	}
	l, err := interpret.ModelLearner(ctx, f.model, f.info, plan, f.root)
	if err != nil {
		return err
	}
	defer l.DLs.Close()
	set := clean.NewSet(l.DLs)
	if f.delimiter, err = set.Delimiter(); err != nil {
		return err
	}
	if set.Numbers {
		f.numbers = set.NumberColumns()
	}
	review, err := clean.OpenReview(out, set) // before the long work, to fail early
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	queue, err := f.queue(ctx, l, set, all, p)
	if err != nil {
		return err
	}
	page := clean.NewPage(review, queue, fmt.Sprintf("%s: pictures worth a look", filepath.Base(f.Data)))
	server, err := localweb.Listen(f.address, page)
	if err != nil {
		return fmt.Errorf("--address: %w", err)
	}
	p.close()
	url := server.URL() + page.Path()
	if f.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "page", "url": url, "entries": len(queue.Cases)}))
	} else {
		fmt.Fprintf(p.out, "%d entries to review. Open this page (the whole address) and press Finish when you are done; Ctrl-C loses nothing either:\n\n    %s\n\n", len(queue.Cases), url)
	}
	select {
	case <-page.Done():
	case <-ctx.Done():
	}
	err = server.Close(pageClose)
	f.report(p, review, out)
	return err
}

// readsTable reports whether the labels come from the file that would be
// written; root is the data's folder.
func (f *cleanFlags) readsTable(out, root string) bool {
	_, arg, ok := run.TableLabel(f.Label)
	if !ok {
		return false
	}
	for _, name := range []string{arg, arg[:max(0, strings.LastIndex(arg, ":"))]} {
		if name != "" && !filepath.IsAbs(name) {
			name = filepath.Join(root, name)
		}
		if abs, err := filepath.Abs(name); err == nil && name != "" && abs == out {
			return true
		}
	}
	return false
}

// queue judges the pictures and looks for near-duplicates.
func (f *cleanFlags) queue(ctx context.Context, l *train.Learner, set *clean.Set, all bool, p *printer) (*clean.Queue, error) {
	var tables []*interpret.Table
	judge := func(what string, t *interpret.Table, err error) error {
		if err != nil {
			return fmt.Errorf("judging the pictures for %s: %w", what, err)
		}
		tables = append(tables, t)
		return nil
	}
	if f.top > 0 && len(l.DLs.Valid.Items()) > 0 {
		p.note("judging %d pictures for validation", len(l.DLs.Valid.Items()))
		t, err := interpret.FromLearner(ctx, l)
		if err := judge("validation", t, err); err != nil {
			return nil, err
		}
	}
	if f.top > 0 && all && len(l.DLs.Train.Items()) > 0 {
		p.note("judging %d pictures for training", len(l.DLs.Train.Items()))
		t, err := interpret.FromLoader(ctx, l, l.DLs.Train.WithTransforms(false))
		if err := judge("training", t, err); err != nil {
			return nil, err
		}
	}
	var pairs []clean.Pair
	if f.pairs > 0 {
		var err error
		pairs, err = clean.NearDuplicates(ctx, set, f.limits, func(done int) {
			p.progress("looking for near-duplicates", done, len(set.Pictures), "pictures")
		})
		if err != nil {
			return nil, err
		}
		if n := len(pairs); n > f.pairs {
			p.note("%d pairs of near-duplicates; the %d most alike are shown (--pairs)", n, f.pairs)
			pairs = pairs[:f.pairs]
		}
	}
	return clean.NewQueue(set, tables, f.top, pairs), nil
}

// report says what was decided and what to do with it.
func (f *cleanFlags) report(p *printer, r *clean.Review, out string) {
	c := r.Counts()
	if f.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "done", "out": out, "counts": c}))
		return
	}
	fmt.Fprintf(p.out, "%d kept, %d relabeled, %d dropped; %d of %d pictures are in %s\n", c.Kept, c.Relabeled, c.Dropped, c.Rows, c.Pictures, f.out)
	label := quote("csv:" + out)
	if f.delimiter != "" {
		label = quote("csv:"+out+":"+clean.LabelsColumn) + " --label-delim " + quote(f.delimiter)
	}
	if f.numbers != "" {
		label = quote("csv:"+out+":"+f.numbers) + " --task regression"
		if f.Range != "" {
			label += " --range " + quote(f.Range)
		}
	}
	fmt.Fprintf(p.out, "\nto train with it:\n\n    whippet train --data %s --label %s --valid column:is_valid\n", quote(f.Data), label)
}

// quote puts a word that a shell would take apart into quotes.
func quote(s string) string {
	if strings.ContainsAny(s, " \t'\"$&|;<>()*?[]{}!`\\#~") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
