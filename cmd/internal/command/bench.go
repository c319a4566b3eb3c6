package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/bench"
	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// benchFlags are those of the three bench commands.
type benchFlags struct {
	bench.Options
	data    string
	presize int
	label   string
	threads int
	workers int
	json    bool
}

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure training, inference and loading on this machine",
		Long: `Measure how fast this machine trains, predicts and loads pictures, with the
code that training and prediction use. Effective GFLOP/s count what direct
convolution would have to do, so that Winograd's savings show as speed.`,
	}
	cmd.AddCommand(
		newBenchPart("train", "Training steps: forward, loss, backward, Adam; with --data the whole pipeline beside them",
			func(f *benchFlags, cmd *cobra.Command) error { return f.train(cmd.Context(), cmd.OutOrStdout()) }),
		newBenchPart("infer", "A compiled model on batches in memory",
			func(f *benchFlags, cmd *cobra.Command) error { return f.infer(cmd.Context(), cmd.OutOrStdout()) }),
		newBenchPart("data", "Decoding, resizing, augmentation, and the whole loader",
			func(f *benchFlags, cmd *cobra.Command) error { return f.load(cmd.Context(), cmd.OutOrStdout()) }))
	return cmd
}

func newBenchPart(name, short string, body func(*benchFlags, *cobra.Command) error) *cobra.Command {
	d := run.Default()
	f := &benchFlags{Options: bench.Options{Classes: 37}}
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Example: "  whippet bench " + name + " --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.threads < 0 || f.workers < 0 {
				return errors.New("--threads and --workers must not be negative")
			}
			if f.threads > 0 {
				parallel.SetThreads(f.threads)
			}
			return body(f, cmd)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&f.Size, "size", d.Size, "side of the network's input, in pixels")
	fl.IntVar(&f.Batch, "batch", 32, "pictures in a batch")
	fl.IntVar(&f.threads, "threads", 0, "threads that compute; 0 for all cores")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	fl.DurationVar(&f.Time, "time", 10*time.Second, "about how long to measure")
	if name != "data" {
		fl.StringVar(&f.Arch, "arch", d.Arch, "architecture, as whippet models lists them")
		fl.IntVar(&f.Steps, "steps", 0, "steps to measure, instead of --time")
		fl.IntVar(&f.Warmup, "warmup", 2, "steps before that, which do not count")
	}
	if name == "train" {
		fl.BoolVar(&f.Frozen, "frozen", false, "freeze the body, as fastai does: its batch norms train")
		fl.BoolVar(&f.TrainBN, "train-bn", d.TrainBN, "let the batch norms of a frozen body train")
	}
	if name != "infer" {
		what := "measure the whole pipeline on this data: a known set's name, an address, a folder or an archive"
		if name == "data" {
			what = "a known set's name, an address, a folder or an archive; by default pictures that are drawn for it"
		}
		fl.StringVar(&f.data, "data", "", what)
		fl.StringVar(&f.label, "label", d.Label, "labels: regex:PATTERN on the file name, folder, csv:FILE[:COLUMN], or auto")
		fl.IntVar(&f.presize, "presize", d.Presize, "square to which every picture is resized first, in pixels; 0 for none")
		fl.IntVar(&f.workers, "workers", 0, "goroutines that decode pictures; 0 for as many as cores")
	}
	return cmd
}

func (f *benchFlags) train(ctx context.Context, w io.Writer) error {
	if f.data == "" {
		r, err := bench.Train(ctx, f.Options)
		if err != nil {
			return err
		}
		return f.print(w, r, func() { printReport(w, r) })
	}
	c, dls, err := f.loaders(ctx, w, f.data)
	if err != nil {
		return err
	}
	defer dls.Close()
	l, err := c.Learner(ctx, dls)
	if err != nil {
		return err
	}
	if f.Frozen {
		if err := l.Freeze(); err != nil {
			return err
		}
	}
	f.Classes = len(dls.Vocab)
	if err := f.Options.Check(); err != nil {
		return err
	}
	r, err := bench.Pipeline(ctx, l, f.Options)
	if err != nil {
		return err
	}
	return f.print(w, r, func() {
		printReport(w, r.Report)
		fmt.Fprintf(w, "compute only             %.1f images/s: the pipeline reaches %.0f %%, %.0f %% of the time waiting for a batch\n",
			r.ComputeOnly, 100*r.Share, 100*r.Waited)
		if r.CPUShare > 0 {
			fmt.Fprintf(w, "processor time           %.0f %% of it computes, the rest loads\n", 100*r.CPUShare)
		}
	})
}

func (f *benchFlags) infer(ctx context.Context, w io.Writer) error {
	r, err := bench.Infer(ctx, f.Options)
	if err != nil {
		return err
	}
	return f.print(w, r, func() { printReport(w, r) })
}

func (f *benchFlags) load(ctx context.Context, w io.Writer) (err error) {
	source := f.data
	f.Arch = run.Default().Arch
	if source == "" {
		dir, err := os.MkdirTemp("", "whippet-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		// About as many pixels as a photograph of the pets set.
		if _, err := drawn.Write(ctx, dir, drawn.Options{PerClass: 16, Size: 432}); err != nil {
			return err
		}
		source = dir
	}
	_, dls, err := f.loaders(ctx, w, source)
	if err != nil {
		return err
	}
	defer dls.Close()
	r, err := bench.Data(ctx, dls.Train, f.Time)
	if err != nil {
		return err
	}
	return f.print(w, r, func() {
		fmt.Fprintf(w, "%d pictures, batches of %d, %s\n\n", r.Pictures, r.Batch, describeMachine(r.Machine))
		for _, s := range r.Stages {
			fmt.Fprintf(w, "%-24s %9.1f images/s\n", s.Name, s.ImagesPerSec)
		}
		fmt.Fprintf(w, "%-24s %9s\n", "peak memory", megabytes(r.PeakRSS))
	})
}

// loaders builds what `whippet train --data` would build.
func (f *benchFlags) loaders(ctx context.Context, w io.Writer, source string) (run.Config, *data.DataLoaders, error) {
	c := run.Default()
	c.Data, c.Arch, c.Batch, c.Size, c.Presize, c.Label, c.Weights, c.TrainBN = source, f.Arch, f.Batch, f.Size, f.presize, f.label, "none", f.TrainBN
	if err := c.Check(); err != nil {
		return c, nil, err
	}
	p := newPrinter(w, f.json)
	defer p.close()
	root, err := c.Prepare(ctx, datasets.WithProgress(p.download))
	if err != nil {
		return c, nil, err
	}
	block, err := c.Block(root)
	if err != nil {
		return c, nil, err
	}
	block.Workers = f.workers
	dls, err := block.DataLoaders(ctx, root)
	return c, dls, err
}

func (f *benchFlags) print(w io.Writer, report any, text func()) error {
	if f.json {
		_, err := fmt.Fprintln(w, mustJSON(report))
		return err
	}
	text()
	if isa.Active() == isa.NEON {
		fmt.Fprint(w, wanted)
	}
	return nil
}

// wanted asks for what nobody has measured yet.
const wanted = `
No figures of arm64 processors are known to us. Please send yours, from a machine
with nothing else running: this output and the name of the machine, best for each of
the commands that bench/README.md lists, to
https://github.com/whippet-ml/whippet/issues
`

func printReport(w io.Writer, r bench.Report) {
	fmt.Fprintf(w, "%s, %s, %d×%d, batch %d, %d steps, %s\n\n", r.Task, r.Arch, r.Size, r.Size, r.Batch, r.Steps, describeMachine(r.Machine))
	fmt.Fprintf(w, "rate                     %.1f images/s\n", r.ImagesPerSec)
	s := r.StepMS
	fmt.Fprintf(w, "step                     %.1f ms median (fastest %.1f, quartiles %.1f and %.1f, slowest %.1f)\n", s.Median, s.Min, s.Q1, s.Q3, s.Max)
	if r.CPUMS > 0 {
		fmt.Fprintf(w, "processor time           %.1f ms a step, all threads together\n", r.CPUMS)
	}
	fmt.Fprintf(w, "effective                %.0f GFLOP/s\n", r.GFLOPS)
	fmt.Fprintf(w, "peak memory              %s\n", megabytes(r.PeakRSS))
	for _, a := range r.Held {
		fmt.Fprintf(w, "%-24s %.1f MB held\n", a.Name, float64(a.Bytes)/(1<<20))
	}
	fmt.Fprintf(w, "allocations              %.0f a step, %.0f KB\n\n", r.Allocs, r.AllocBytes/1024)
	for _, s := range r.Shares {
		fmt.Fprintf(w, "%-24s %8.2f ms  %5.1f %%\n", s.Kind, s.MS, 100*s.Share)
	}
}

func describeMachine(m bench.Machine) string {
	s := fmt.Sprintf("%d threads, %s, %s/%s, %s", m.Threads, m.Level, m.OS, m.Arch, m.Go)
	if m.Processor != "" {
		s += ", " + m.Processor
	}
	return s
}

func megabytes(b int64) string {
	if b == 0 {
		return "not known"
	}
	return fmt.Sprintf("%d MB", b>>20)
}
