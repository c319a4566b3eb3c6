package command

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/clean"
	"github.com/whippet-ml/whippet/cmd/internal/localweb"
	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/task"
)

// What whippet next looks at: of the pictures that may be chosen, as many times more as
// are wanted, and how many may be.
const (
	nextPool = 10
	maxNext  = 1000

	nextGuesses = 5 // classes of a picture on the page
)

type nextFlags struct {
	out, page, address, by string
	top                    int
	predict                predict.Options
}

func newNext() *cobra.Command {
	f := &nextFlags{}
	cmd := &cobra.Command{
		Use:   "next MODEL FILE|FOLDER|GLOB...",
		Short: "Choose which unlabeled pictures to label next, and label them on a local page",
		Long: `Rank unlabeled pictures by how much labeling them may help a model: those that it is
unsure of, and that are unlike each other, so that a label is not spent twice on
the same thing. Of the most uncertain pictures, ten times as many as --top, the most
uncertain is the first, and then again and again the one with the highest product of its
uncertainty and its distance (of the features of the model's body) to those before it.

The table has the columns rank, file, uncertainty, distance, label and score: what the
model answers, and how probable that is to it.

With --page LABELS.csv, a page on this machine shows the chosen pictures, the first
rank first: take the model's answer, choose another label, or drop the picture. Each
decision is written at once to LABELS.csv (path, label), which whippet train takes.
The same command again leaves out what is decided and goes on with the next ones, also with
a newer model.`,
		Example: `  whippet next runs/first photos/unlabeled --top 100 --out next.csv
  whippet next runs/first photos/unlabeled --page labels.csv
  whippet train --data photos/unlabeled --label csv:$PWD/labels.csv`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	fl := cmd.Flags()
	fl.IntVar(&f.top, "top", 50, fmt.Sprintf("pictures to choose, 1 to %d", maxNext))
	fl.StringVar(&f.by, "by", string(confidence.Margin), "measure of uncertainty: margin (the two best classes are close), entropy, or least (the best class is improbable)")
	fl.StringVarP(&f.out, "out", "o", "", "write the table to this file (default: standard output, without --page)")
	fl.StringVar(&f.page, "page", "", "open a page to label the pictures on, which writes the labels to this .csv file")
	fl.StringVar(&f.address, "address", localweb.DefaultAddress, "where the page is, host:port; port 0 is any free one")
	pictureFlags(cmd, &f.predict)
	return cmd
}

func (f *nextFlags) check() error {
	switch err := confidence.Measure(f.by).Check(); {
	case err != nil:
		return fmt.Errorf("--by: %w", err)
	case f.top < 1 || f.top > maxNext:
		return fmt.Errorf("--top %d: must be 1 to %d", f.top, maxNext)
	case f.page != "" && !strings.EqualFold(filepath.Ext(f.page), ".csv"):
		return fmt.Errorf("--page %s: the name of the table of labels must end in .csv", f.page)
	case f.page != "" && filepath.Clean(f.page) == filepath.Clean(f.out):
		return fmt.Errorf("--page and --out are both %s: the labels and the ranks need tables of their own", f.out)
	}
	return nil
}

func (f *nextFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	ctx := cmd.Context()
	p, _, err := openPredictor(ctx, args[:1], f.predict)
	if err != nil {
		return err
	}
	if task.Continuous(p.Task()) {
		return errors.New("the model answers with numbers, which do not say how sure it is: next needs a model of classes or labels")
	}
	src := &pictureArgs{ctx: ctx, args: args[1:], stdin: cmd.InOrStdin(), stderr: cmd.ErrOrStderr(), maxBytes: f.predict.Decode.MaxBytes}
	if slices.Contains(src.args, "-") {
		return errors.New("next chooses among files: name files, folders or globs, not standard input")
	}
	var names []string
	for in := range src.inputs() {
		names = append(names, in.Name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var review *clean.Review
	var set *clean.Set
	open := names
	if f.page != "" {
		set = clean.NewUnlabeled(names, folderOf(args[1:]), p.Labels(), !p.Task().Exclusive())
		if review, err = clean.OpenReview(f.page, set); err != nil { // before the long work, to fail early
			return fmt.Errorf("--page: %w", err)
		}
		open = nil
		for i, name := range names {
			if _, decided := review.Decision(i); !decided {
				open = append(open, name)
			}
		}
		if len(open) == 0 && len(names) > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "all %d pictures are decided already, in %s\n", len(names), f.page)
			return nil
		}
	}
	chosen, failed, err := chooseNext(ctx, p, open, confidence.Measure(f.by), f.top)
	if err != nil {
		return err
	}
	if len(chosen) > 0 {
		write := func(w io.Writer) error { return writeNext(w, chosen) }
		switch {
		case f.out != "":
			err = files.WriteFile(f.out, write)
		case f.page == "":
			err = write(cmd.OutOrStdout())
		}
		if err == nil && f.page != "" {
			err = f.label(ctx, cmd.OutOrStdout(), args[1:], set, review, chosen)
		}
	}
	return src.ended(err, "looked at", len(open)-failed, failed)
}

// folderOf returns the folder that names in a table are relative to: the argument, if it is
// one folder; otherwise there is none.
func folderOf(args []string) string {
	if len(args) != 1 {
		return ""
	}
	if st, err := os.Stat(args[0]); err != nil || !st.IsDir() {
		return ""
	}
	return args[0]
}

// nextPicture is a picture that may be labeled.
type nextPicture struct {
	file        string
	uncertainty float64
	distance    float64
	label       string
	score       float32

	answer []int           // the classes of label, in the vocabulary's order
	top    []predict.Score // for the page
}

// chooseNext returns the pictures to label next, and how many could not be read, each of which
// it reports.
func chooseNext(ctx context.Context, p *predict.Predictor, names []string, by confidence.Measure, top int) (chosen []nextPicture, failed int, err error) {
	unread := func(err error) {
		failed++
		fmt.Fprintln(os.Stderr, "whippet:", err)
	}
	var all []nextPicture
	err = p.Each(ctx, predict.Files(names), func(r predict.Result) error {
		if r.Err != nil {
			unread(r.Err)
			return nil
		}
		unsure := by.OfLabels
		if p.Task().Exclusive() {
			unsure = by.Of
		}
		all = append(all, nextPicture{file: r.Name, uncertainty: unsure(r.Probs), label: strings.Join(r.Labels(), " "), score: r.Score(),
			answer: slices.Sorted(slices.Values(r.Classes())), top: r.Top(nextGuesses)})
		return nil
	})
	if err != nil {
		return nil, failed, err
	}
	slices.SortStableFunc(all, func(a, b nextPicture) int { return cmp.Compare(b.uncertainty, a.uncertainty) })
	all = all[:min(len(all), nextPool*top)]
	e, err := predict.NewEmbedder(p.Model(), p.Info(), p.Options())
	if err != nil {
		return nil, failed, err
	}
	pool := make([]string, len(all))
	for i, n := range all {
		pool[i] = n.file
	}
	var read []nextPicture
	var features [][]float32
	var uncertainty []float64
	err = e.Each(ctx, predict.Files(pool), func(r predict.Embedding) error {
		n := all[0]
		all = all[1:]
		if r.Err != nil { // gone since it was classified
			unread(r.Err)
			return nil
		}
		read, features, uncertainty = append(read, n), append(features, r.Features), append(uncertainty, n.uncertainty)
		return nil
	})
	for _, pick := range confidence.Diverse(uncertainty, features, top) {
		n := read[pick.Index]
		n.distance = pick.Distance
		chosen = append(chosen, n)
	}
	return chosen, failed, err
}

// writeNext writes the table.
func writeNext(w io.Writer, chosen []nextPicture) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"rank", "file", "uncertainty", "distance", "label", "score"})
	for i, n := range chosen {
		_ = out.Write([]string{strconv.Itoa(i + 1), n.file, fmt.Sprintf("%.6f", n.uncertainty), fmt.Sprintf("%.6f", n.distance), n.label, fmt.Sprintf("%.6f", n.score)})
	}
	out.Flush()
	return out.Error() // of any of the writes
}

// label shows the page until the person is finished.
func (f *nextFlags) label(ctx context.Context, w io.Writer, args []string, set *clean.Set, review *clean.Review, chosen []nextPicture) error {
	queue := &clean.Queue{Opinions: map[int]clean.Opinion{}}
	for _, n := range chosen {
		i, _ := slices.BinarySearchFunc(set.Pictures, n.file, func(p clean.Picture, file string) int { return cmp.Compare(p.Path, file) })
		o := clean.Opinion{Uncertainty: n.uncertainty, Answer: n.answer}
		for _, s := range n.top {
			o.Top = append(o.Top, clean.Guess{Class: s.Class, Prob: s.Score})
		}
		queue.Cases = append(queue.Cases, clean.Case{Pictures: []int{i}})
		queue.Opinions[i] = o
	}
	page := clean.NewPage(review, queue, filepath.Base(args[0])+": pictures to label next")
	server, err := localweb.Listen(f.address, page)
	if err != nil {
		return fmt.Errorf("--address: %w", err)
	}
	fmt.Fprintf(w, "%d pictures to label. Open this page (the whole address) and press Finish when you are done; Ctrl-C loses nothing either:\n\n    %s\n\n", len(chosen), server.URL()+page.Path())
	select {
	case <-page.Done():
	case <-ctx.Done():
	}
	err = server.Close(pageClose)
	c := review.Counts()
	fmt.Fprintf(w, "%d pictures are labeled in %s, %d are dropped, of %d\n", c.Rows, f.page, c.Dropped, c.Pictures)
	if c.Rows > 0 {
		out, abs := filepath.Abs(f.page)
		folder := cmp.Or(folderOf(args), ".")
		if abs == nil {
			label := "--label " + quote("csv:"+out)
			if sep, err := set.Delimiter(); err == nil && set.Several {
				label = "--label " + quote("csv:"+out+":"+clean.LabelsColumn) + " --label-delim " + quote(sep)
			}
			fmt.Fprintf(w, "\nto train with it:\n\n    whippet train --data %s %s\n", quote(folder), label)
		}
	}
	return err
}
