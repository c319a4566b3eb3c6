package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/parts"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/vision"
)

// stdinName is the name under which a picture from standard input is reported.
const stdinName = "-"

func newPredict() *cobra.Command {
	var from string
	var topk int
	var o predict.Options
	var asJSON, asCSV, null bool
	var with []string
	var to partFlags
	cmd := &cobra.Command{
		Use:   "predict MODEL FILE|FOLDER|GLOB|-...",
		Short: "Classify pictures with a trained or a published model",
		Long: modelHelp + `

The folder that whippet folds made stands for the networks of all its folds, which
answer together, by their mean; so do those of --with.

A FOLDER stands for every picture below it, sorted; a quoted
GLOB for the files it matches; - for one picture on standard input. Results come
in the order of the arguments, one line for each picture:

  FILE <tab> LABEL <tab> SCORE [<tab> LABEL <tab> SCORE ...]

Where a model abstains (train --abstain), LABEL is unknown, SCORE that of the best class, the
classes follow, and the reasons are at the end of the line. Where it makes sets of classes (train
--conformal), the set is in braces after the scores.

A FILE with a tab, a line end or another control character in its name is printed
in quotes, with escapes. A picture that cannot be read is reported and the others
are classified all the same; the exit code is then 1.

With --part, one of several machines classifies its part of the pictures; see
docs/many-machines.md. The exit code of a part is 0 when its file is written;
whippet merge tells of pictures that could not be read.`,
		Example: `  whippet predict runs/pets photo.jpg
  whippet predict runs/pets photos/ --topk 3 --csv > answers.csv
  whippet predict runs/pets photos/ --part 3/100 --out answers.csv
  whippet predict timm/resnet50.a1_in1k photo.jpg --topk 5
  find . -name '*.jpg' -print0 | whippet predict runs/pets --files-from - --null --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case asJSON && asCSV:
				return errors.New("choose one of --json and --csv")
			case topk < 1 && cmd.Flags().Changed("topk"):
				return fmt.Errorf("--topk %d: must be 1 or more", topk)
			case len(args) == 1 && from == "":
				return errors.New("name the pictures: files, folders, globs, - for standard input, or --files-from LIST")
			}
			form := ""
			if asCSV {
				form = "csv"
			} else if asJSON {
				form = "json"
			}
			if err := to.settle(form); err != nil {
				return err
			}
			p, files, err := openPredictor(cmd.Context(), append([]string{args[0]}, with...), o)
			if err != nil {
				return err
			}
			src := &pictureArgs{ctx: cmd.Context(), args: args[1:], from: from, null: null, stdin: cmd.InOrStdin(), stderr: cmd.ErrOrStderr(), maxBytes: o.Decode.MaxBytes}
			if topk > 0 && task.Continuous(p.Task()) {
				return fmt.Errorf("--topk %d: the model answers with numbers, which have no order: all are shown", topk)
			}
			if to.out == "" {
				w := newPredictWriter(cmd.OutOrStdout(), p, topk, asJSON, asCSV)
				return src.ended(w.classify(cmd.Context(), p, src.inputs(), src), "classified", w.done, w.failed)
			}
			inputs, work := src.inputs(), parts.Run{Command: "predict", Unit: p.Options().Batch, Options: fmt.Sprintf("--topk %d --max-pixels %d --max-bytes %d", topk, o.Decode.MaxPixels, o.Decode.MaxBytes)}
			if to.p != nil {
				if inputs, err = src.part(*to.p, &work); err != nil {
					return err
				}
				if work.Model, err = digestOf(files); err != nil {
					return err
				}
			}
			done, failed, err := to.write(cmd.OutOrStdout(), work, func(out io.Writer) (int, int, error) {
				w := newPredictWriter(out, p, topk, to.form == "json", to.form == "csv")
				err := w.classify(cmd.Context(), p, inputs, src)
				if err == nil && w.done+w.failed == 0 && to.p == nil {
					err = src.ended(nil, "classified", 0, 0)
				}
				return w.done, w.failed, err
			})
			if to.p != nil && err == nil {
				return nil
			}
			return src.ended(err, "classified", done, failed)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&with, "with", nil, "answer by the mean probability of MODEL and of this model too, which has the same classes; may be given several times")
	listFlags(cmd, &from, &null)
	renamed(cmd, "from", "files-from")
	f.IntVarP(&topk, "topk", "k", 0, "number of classes to show, the most probable first (default 1, or the labels that the model answers where it may answer several)")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	f.BoolVar(&asCSV, "csv", false, "print a table of comma-separated values with a header")
	pictureFlags(cmd, &o)
	to.flags(cmd)
	return cmd
}

// pictureFlags are those of a command that looks at pictures with a model.
func pictureFlags(cmd *cobra.Command, o *predict.Options) {
	f := cmd.Flags()
	f.IntVar(&o.Batch, "batch", predict.DefaultBatch, "pictures that go through the network at once, 1 to 1024")
	f.IntVar(&o.Decode.MaxPixels, "max-pixels", vision.DefaultMaxPixels, "refuse pictures of more pixels")
	f.Int64Var(&o.Decode.MaxBytes, "max-bytes", vision.DefaultMaxBytes, "refuse picture files of more bytes")
}

// listFlags are those of a list of pictures.
func listFlags(cmd *cobra.Command, from *string, null *bool) {
	f := cmd.Flags()
	f.StringVar(from, "files-from", "", "read picture paths, one a line, from this file; - is standard input")
	f.BoolVarP(null, "null", "0", false, "paths of --files-from end in a zero byte instead of a line end, as find -print0 writes them")
}

// pictureArgs turns the command's arguments into pictures.
type pictureArgs struct {
	ctx      context.Context
	args     []string
	from     string
	null     bool // paths of from end in a zero byte
	stdin    io.Reader
	stderr   io.Writer
	maxBytes int64
	problems []error // arguments that stand for no picture
	fatal    error
}

// part lists all pictures and yields those of one part. Every part must have the same
// listing, so that standard input and arguments that stand for no picture are refused.
func (a *pictureArgs) part(p parts.Part, run *parts.Run) (iter.Seq[predict.Input], error) {
	if slices.Contains(a.args, "-") || a.from == "-" {
		return nil, errors.New("--part needs pictures that every part can list, and standard input can be read once: name files or folders, or give --files-from FILE")
	}
	var names []string
	for in := range a.inputs() {
		names = append(names, in.Name)
	}
	switch err := errors.Join(a.problems...); {
	case a.ctx.Err() != nil:
		return nil, a.ctx.Err()
	case a.fatal != nil:
		return nil, a.fatal
	case err != nil:
		return nil, fmt.Errorf("--part: every part must list the same pictures, and an argument stands for none: %w", err)
	case len(names) == 0:
		return nil, errors.New("there was no picture to classify")
	}
	run.Listing, run.Files = parts.Digest(names), len(names)
	from, to := p.Range(len(names), run.Unit)
	return func(yield func(predict.Input) bool) {
		for _, n := range names[from:to] {
			if !yield(predict.Input{Name: n}) {
				return
			}
		}
	}, nil
}

// ended says how a run over all pictures ended, of which as many are what it says as done.
func (a *pictureArgs) ended(err error, what string, done, failed int) error {
	if err != nil {
		return err
	}
	for _, e := range a.problems {
		fmt.Fprintln(os.Stderr, "whippet:", inFlags("predict", e.Error()))
	}
	if failed += len(a.problems); failed > 0 {
		fmt.Fprintf(os.Stderr, "whippet: %d %s, %d could not be read\n", done, what, failed)
		return exitCode(1)
	}
	if done == 0 {
		return errors.New("there was no picture that could be read")
	}
	return nil
}

// inputs yields the pictures of every argument in turn. Folders are listed when
// their turn comes.
func (a *pictureArgs) inputs() iter.Seq[predict.Input] {
	return func(yield func(predict.Input) bool) {
		for _, arg := range a.args {
			if !a.one(arg, yield) {
				return
			}
		}
		if a.from != "" {
			a.list(yield)
		}
	}
}

// one yields what a single argument stands for; false means to stop.
func (a *pictureArgs) one(arg string, yield func(predict.Input) bool) bool {
	if arg == "-" {
		b, err := io.ReadAll(io.LimitReader(a.stdin, a.maxBytes+1))
		if err != nil {
			a.problems = append(a.problems, fmt.Errorf("standard input: %w", err))
			return true
		}
		if b == nil {
			b = []byte{}
		}
		return yield(predict.Input{Name: stdinName, Data: b})
	}
	st, err := os.Stat(arg)
	if err != nil && strings.ContainsAny(arg, "*?[") {
		matches, gerr := filepath.Glob(arg)
		if gerr != nil || len(matches) == 0 {
			a.problems = append(a.problems, fmt.Errorf("%s: no file matches", arg))
			return true
		}
		for _, m := range matches {
			if strings.ContainsAny(m, "*?[") { // a name that looks like a pattern
				if !yield(predict.Input{Name: m}) {
					return false
				}
			} else if !a.one(m, yield) {
				return false
			}
		}
		return true
	}
	if err != nil && (strings.HasPrefix(arg, "http://") || strings.HasPrefix(arg, "https://")) {
		a.problems = append(a.problems, fmt.Errorf("%s: addresses are not fetched: download the picture, or hand it in with - on standard input", arg))
		return true
	}
	if err != nil || !st.IsDir() {
		return yield(predict.Input{Name: arg}) // a missing file is reported in its place
	}
	items, notes, err := vision.ImageFiles.ListNoted(a.ctx, arg)
	if err != nil {
		a.problems = append(a.problems, err)
		return a.ctx.Err() == nil
	}
	for _, n := range notes {
		fmt.Fprintf(a.stderr, "whippet: note: %s: %s\n", arg, n)
	}
	for _, it := range items {
		if !yield(predict.Input{Name: it.Path}) {
			return false
		}
	}
	return true
}

// list yields the paths of --files-from.
func (a *pictureArgs) list(yield func(predict.Input) bool) {
	r := a.stdin
	if a.from != "-" {
		f, err := os.Open(a.from)
		if err != nil {
			a.fatal = fmt.Errorf("--files-from: %w", err)
			return
		}
		defer f.Close()
		r = f
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<16)
	end := "\r"
	if a.null {
		lines.Split(splitNull)
		end = ""
	}
	for lines.Scan() {
		if path := strings.TrimSuffix(lines.Text(), end); path != "" && !yield(predict.Input{Name: path}) {
			return
		}
	}
	if err := lines.Err(); err != nil {
		a.fatal = fmt.Errorf("--files-from %s: %w", a.from, err)
	}
}

// splitNull is a bufio.SplitFunc for tokens that end in a zero byte; the last may
// end with the input.
func splitNull(b []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return i + 1, b[:i], nil
	}
	if atEOF && len(b) > 0 {
		return len(b), b, nil
	}
	return 0, nil, nil
}
