package command

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/bench"
	"github.com/whippet-ml/whippet/internal/nearest"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/pretrained"
)

// modelsFlags are what is listed of the networks, and how.
type modelsFlags struct {
	weights, json, csv bool
	measure            bool
	batch, threads     int
	time               time.Duration
}

func newModels() *cobra.Command {
	f := &modelsFlags{}
	cmd := &cobra.Command{
		Use:   "models [NAME|GLOB...]",
		Short: "List the architectures and their published weights, and measure how fast they are here",
		Long: `List the architectures that --arch takes: parameters with a head for 1000 classes,
multiplications (each with an addition) for one picture, the side of that picture, and
the default weights with the share of ImageNet's validation pictures whose class they
find, in percent, as their publishers state it; - where they state none.

With --all-weights, list every published weights file by the name that --weights of train,
and predict, serve and export, take.

A NAME is a part of the name of an architecture or of weights; a GLOB has *, ? or [a-z]
and stands for whole names. Without one everything is listed; with one of weights alone,
such as a1_in1k, as if --all-weights were given.

With --measure, run each network on this machine and add the milliseconds, the median,
that a batch takes: about --time for each network, and the time to build it.`,
		Example: `  whippet models
  whippet models efficientnet --all-weights
  whippet models 'resnet*' mobilenetv3 --measure
  whippet models --csv > models.csv`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), cmd.OutOrStdout(), args) },
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.weights, "all-weights", false, "list all published weights")
	fl.BoolVar(&f.measure, "measure", false, "measure the milliseconds that prediction takes on this machine")
	fl.IntVar(&f.batch, "batch", 1, "with --measure: pictures in a batch")
	fl.IntVar(&f.threads, "threads", 0, "with --measure: threads that compute; 0 for all cores")
	fl.DurationVar(&f.time, "time", time.Second, "with --measure: about how long to measure each network")
	fl.BoolVar(&f.json, "json", false, "print one JSON object a line, for each architecture with all its weights")
	fl.BoolVar(&f.csv, "csv", false, "print CSV with a header")
	return cmd
}

// listedModel is a line of --json.
type listedModel struct {
	Name       string          `json:"name"`
	Parameters int             `json:"parameters"` // with a head for 1000 classes
	MACs       float64         `json:"macs"`       // for a picture of Size
	Size       int             `json:"size"`
	MinSize    int             `json:"min_size,omitempty"`
	MS         float64         `json:"ms,omitempty"`    // of a batch, the median
	Batch      int             `json:"batch,omitempty"` // that MS is of
	Weights    []listedWeights `json:"weights"`
}

// listedWeights are published weights.
type listedWeights struct {
	Name       string            `json:"name"`
	Top1       float64           `json:"top1,omitempty"` // percent
	Top1Size   int               `json:"top1_size,omitempty"`
	Classes    int               `json:"classes"` // 0 for a body alone
	License    string            `json:"license,omitempty"`
	Preprocess preprocess.Config `json:"preprocess"`
}

func (f *modelsFlags) run(ctx context.Context, w io.Writer, patterns []string) error {
	switch {
	case f.json && f.csv:
		return errors.New("choose one of --json and --csv")
	case f.threads < 0:
		return fmt.Errorf("--threads %d: must not be negative", f.threads)
	case f.batch < 1 || f.batch > 1<<16:
		return fmt.Errorf("--batch %d: must be 1 to 65536", f.batch)
	case f.time <= 0:
		return fmt.Errorf("--time %v: must be above 0", f.time)
	}
	list, byWeights, err := listModels(patterns)
	if err != nil {
		return err
	}
	f.weights = f.weights || byWeights
	if f.measure {
		if err := f.measureAll(ctx, list); err != nil {
			return err
		}
	}
	switch {
	case f.json:
		for _, m := range list {
			if _, err := fmt.Fprintln(w, mustJSON(m)); err != nil {
				return err
			}
		}
		return nil
	case f.csv:
		return f.writeCSV(w, list)
	}
	return f.writeText(w, list)
}

// listModels returns the architectures that the patterns choose, with the weights that
// they choose: all of an architecture that is chosen itself. byWeights says that some
// are there for their weights' names alone.
func listModels(patterns []string) (list []listedModel, byWeights bool, err error) {
	used := make([]bool, len(patterns))
	chosen := func(name string) bool {
		found := len(patterns) == 0
		for i, p := range patterns {
			is, err := matches(p, name)
			if err == nil && is {
				used[i], found = true, true
			}
		}
		return found
	}
	var known []string
	for _, name := range models.Names() {
		a, err := models.ByName(name)
		if err != nil {
			return nil, false, err
		}
		facts, err := a.Facts()
		if err != nil {
			return nil, false, err
		}
		m := listedModel{Name: name, Parameters: facts.Parameters, MACs: facts.MACs, Size: facts.Size, MinSize: a.MinSize}
		whole := chosen(name)
		known = append(known, name)
		for _, p := range a.Weights {
			full := pretrained.NameOf(a, p)
			known = append(known, full)
			if is := chosen(full); is || whole {
				m.Weights = append(m.Weights, listedWeights{full, p.Top1, p.Top1Size, p.Classes, p.License, p.Preprocess})
			}
		}
		if whole || m.Weights != nil {
			list = append(list, m)
			byWeights = byWeights || !whole
		}
	}
	for i, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, false, fmt.Errorf("%s: the pattern is not complete: a [ needs its ]", p)
		}
		if !used[i] {
			return nil, false, fmt.Errorf("%s: no architecture and no weights are called so%s", p, nearest.Hint(p, known))
		}
	}
	return list, byWeights, nil
}

// matches reports whether a pattern of the command line means a name.
func matches(pattern, name string) (bool, error) {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	if !strings.ContainsAny(pattern, "*?[") {
		return strings.Contains(name, pattern), nil
	}
	is, err := path.Match(pattern, name)
	if rest, of := strings.CutPrefix(name, "timm/"); of && !is && err == nil {
		return path.Match(pattern, rest)
	}
	return is, err
}

// measureAll fills in how long a batch takes.
func (f *modelsFlags) measureAll(ctx context.Context, list []listedModel) error {
	if f.threads > 0 {
		parallel.SetThreads(f.threads)
	}
	p := newPrinter(io.Discard, false)
	defer p.close()
	for i := range list {
		m := &list[i]
		p.progress("measuring "+m.Name, i, len(list), "networks")
		r, err := bench.Infer(ctx, bench.Options{Arch: m.Name, Size: m.Size, Batch: f.batch, Time: f.time, Warmup: 2, Classes: 1000, OwnHead: true})
		if err != nil {
			if errors.Is(err, context.Canceled) {
				return err
			}
			return fmt.Errorf("measuring %s: %w", m.Name, err)
		}
		m.MS, m.Batch = r.StepMS.Median, f.batch
	}
	return nil
}

// rows calls row for each line of a table: an architecture with its default weights, or
// with --all-weights each of them.
func (f *modelsFlags) rows(list []listedModel, row func(m listedModel, w listedWeights, more int)) {
	for _, m := range list {
		switch {
		case len(m.Weights) == 0:
			row(m, listedWeights{}, 0)
		case !f.weights:
			row(m, m.Weights[0], len(m.Weights)-1)
		default:
			for _, w := range m.Weights {
				row(m, w, 0)
			}
		}
	}
}

func (f *modelsFlags) writeCSV(w io.Writer, list []listedModel) error {
	c := csv.NewWriter(w)
	head := []string{"name", "parameters", "macs", "size", "weights", "top1", "top1_size", "classes", "license"}
	if f.measure {
		head = append(head, "batch", "ms")
	}
	_ = c.Write(head) // an error comes out of Flush
	f.rows(list, func(m listedModel, w listedWeights, _ int) {
		row := []string{m.Name, strconv.Itoa(m.Parameters), strconv.FormatFloat(m.MACs, 'f', 0, 64), strconv.Itoa(m.Size), w.Name, "", "", "", w.License}
		if w.Top1 > 0 {
			row[5], row[6] = strconv.FormatFloat(w.Top1, 'f', -1, 64), strconv.Itoa(w.Top1Size)
		}
		if w.Name != "" {
			row[7] = strconv.Itoa(w.Classes)
		}
		if f.measure {
			row = append(row, strconv.Itoa(m.Batch), strconv.FormatFloat(m.MS, 'f', 3, 64))
		}
		_ = c.Write(row)
	})
	c.Flush()
	return c.Error()
}

func (f *modelsFlags) writeText(w io.Writer, list []listedModel) error {
	width := len("architecture")
	for _, m := range list {
		width = max(width, len(m.Name))
	}
	line := func(name, parameters, macs, size, top1, ms, last string) error {
		if f.measure {
			top1 += fmt.Sprintf("  %9s", ms)
		}
		_, err := fmt.Fprintf(w, "%-*s  %10s  %9s  %5s  %5s  %s\n", width, name, parameters, macs, size, top1, last)
		return err
	}
	last := "default weights"
	if f.weights {
		last = "weights, license"
	}
	err := line("architecture", "parameters", "mult-adds", "input", "top-1", "ms", last)
	f.rows(list, func(m listedModel, ws listedWeights, more int) {
		top1, last := "-", cmp.Or(ws.Name, "none published")
		if ws.Top1 > 0 {
			top1 = fmt.Sprintf("%.2f", ws.Top1)
		}
		switch {
		case f.weights && ws.License != "":
			last += ", " + ws.License
		case more > 0:
			last += fmt.Sprintf(" (and %d more)", more)
		}
		if err == nil {
			err = line(m.Name, fmt.Sprintf("%.2f M", float64(m.Parameters)/1e6), fmt.Sprintf("%.2f G", m.MACs/1e9), strconv.Itoa(m.Size), top1, fmt.Sprintf("%.2f", m.MS), last)
		}
	})
	return err
}
