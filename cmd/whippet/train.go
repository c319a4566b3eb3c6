package main

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/run"
	"github.com/whippet-ml/whippet/train"
)

type trainFlags struct {
	run.Config
	out     string
	resume  string
	json    bool
	every   time.Duration
	keep    int
	threads int
	workers int
}

func newTrain() *cobra.Command {
	f := &trainFlags{Config: run.Default()}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Fine-tune a classifier on a folder of pictures",
		Long: `Fine-tune a classifier and say how good it is.

Without --data, the main job runs on pictures that the program draws itself,
with a small network pretrained on other drawn pictures: nothing is downloaded.`,
		Example: `  whippet train
  whippet train --data pets --epochs 2
  whippet train --data photos/ --label folder --arch resnet18 --out runs/first
  whippet train --data cifar --arch resnet18 --weights none --presize 0 --size 32 --epochs 1
  whippet train --resume runs/first`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	dataFlags(cmd, &f.Config)
	modelFlags(cmd, &f.Config)
	fl.IntVar(&f.Epochs, "epochs", f.Epochs, "epochs with all layers training")
	fl.IntVar(&f.FreezeEpochs, "freeze-epochs", f.FreezeEpochs, "epochs before that in which only the head and the batch norms train")
	fl.StringVar(&f.LR, "lr", f.LR, "learning rate; with --schedule other than fine-tune also slice(1e-6,1e-4) or a list, one for each layer group")
	fl.StringVar(&f.Schedule, "schedule", f.Schedule, "fine-tune, one-cycle, flat-cos or constant (with --weights none, one-cycle unless given)")
	fl.IntVar(&f.Patience, "patience", f.Patience, "stop after so many epochs without a lower validation loss; 0 for never")
	fl.BoolVar(&f.SaveBest, "save-best", f.SaveBest, "keep the weights of the epoch with the lowest validation loss")
	fl.StringVar(&f.Metrics, "metrics", f.Metrics, "what to measure, separated by commas: "+strings.Join(run.MetricNames(), ", "))
	fl.StringVar(&f.out, "out", "", "folder for the results (default runs/DATE-TIME-ARCH)")
	fl.StringVar(&f.resume, "resume", "", "continue the interrupted run of this folder")
	fl.DurationVar(&f.every, "checkpoint-every", 5*time.Minute, "save the state of training so often, besides every epoch")
	fl.IntVar(&f.keep, "checkpoint-keep", 2, "newest checkpoints that are kept")
	fl.BoolVar(&f.json, "json", false, "print one JSON object a line")
	fl.IntVar(&f.threads, "threads", 0, "threads that compute; 0 for all cores. It does not change the result")
	fl.IntVar(&f.workers, "workers", 0, "goroutines that decode pictures; 0 for as many as cores. It does not change the result")
	return cmd
}

func (f *trainFlags) run(cmd *cobra.Command) (err error) {
	ctx := cmd.Context()
	changed := cmd.Flags().Changed
	if f.threads < 0 || f.workers < 0 || f.keep < 1 || f.every < 0 {
		return errors.New("--threads, --workers and --checkpoint-every must not be negative, --checkpoint-keep at least 1")
	}
	if f.threads > 0 {
		parallel.SetThreads(f.threads)
	}
	var out *run.Output
	var from *train.Checkpoint
	if f.resume != "" {
		for _, name := range []string{"out", "data", "arch", "seed"} {
			if changed(name) {
				return fmt.Errorf("--%s does not go with --resume: the settings are those of the first run", name)
			}
		}
		if out, f.Config, err = run.OpenOutput(f.resume); err != nil {
			return err
		}
		from, err = train.LoadCheckpoint(out.Checkpoints())
		if err != nil && !errors.Is(err, train.ErrNoCheckpoint) {
			return err
		}
	} else {
		f.fillDefaults(changed)
		if err := f.Check(); err != nil {
			return err
		}
		if !changed("seed") {
			f.Seed = drawSeed()
		}
	}
	p := newPrinter(f.json)
	defer p.close()
	root, err := f.Prepare(ctx, data.WithProgress(p.download))
	if err != nil {
		return err
	}
	block, err := f.Block(root)
	if err != nil {
		return err
	}
	block.Workers = f.workers
	dls, err := block.DataLoaders(ctx, root)
	if err != nil {
		return err
	}
	defer dls.Close()
	l, err := f.Learner(ctx, dls)
	if err != nil {
		return err
	}
	if out == nil {
		if f.out == "" {
			f.out = filepath.Join("runs", time.Now().Format("20060102-150405")+"-"+f.Arch)
		}
		if out, err = run.NewOutput(f.out, f.Config); err != nil {
			return err
		}
	}
	l.Checkpoints = &train.Checkpoints{Dir: out.Checkpoints(), Every: f.every, Keep: f.keep}
	l.Callbacks = append(l.Callbacks, p)
	p.start(f.Config, dls, from)
	if from != nil {
		for _, e := range from.Skipped {
			p.note("a newer checkpoint was passed over: %v", e)
		}
		err = l.Resume(ctx, from)
	} else {
		err = f.Fit(ctx, l)
	}
	if err != nil {
		return f.stopped(err, out, p)
	}
	if left := dls.Train.Damaged(); len(left) > 0 {
		p.note("%d damaged pictures were left out of training, the first: %v", len(left), left[0])
	}
	if err := out.Finish(f.Config, l); err != nil {
		return err
	}
	p.finish(f.Config, l, out)
	return nil
}

// stopped says how to go on after a fit that did not end.
func (f *trainFlags) stopped(err error, out *run.Output, p *printer) error {
	p.close()
	if _, e := train.LoadCheckpoint(out.Checkpoints()); e != nil {
		out.Discard()
		return err
	}
	switch {
	case errors.Is(err, train.ErrInterrupted):
		p.note("what was trained is saved; continue with: whippet train --resume %s", out.Dir)
	case errors.Is(err, train.ErrDiverged):
		p.note("the last good state is in %s", out.Checkpoints())
	default:
		p.note("training can be continued with: whippet train --resume %s", out.Dir)
	}
	return err
}

// fillDefaults adapts the defaults of flags that were not given to those that
// were.
func (f *trainFlags) fillDefaults(changed func(string) bool) {
	if f.Data == "" || f.Data == run.Drawn {
		d := run.DefaultDrawn()
		f.Data = d.Data
		set(changed("arch"), &f.Arch, d.Arch)
		set(changed("presize"), &f.Presize, d.Presize)
		set(changed("size"), &f.Size, d.Size)
		set(changed("batch"), &f.Batch, d.Batch)
		set(changed("epochs"), &f.Epochs, d.Epochs)
		set(changed("lr"), &f.LR, d.LR)
	}
	if f.Weights == "none" {
		// A random body must not be frozen, nor train at a hundredth of the rate.
		set(changed("schedule"), &f.Schedule, "one-cycle")
		set(changed("freeze-epochs"), &f.FreezeEpochs, 0)
	}
}

func set[T any](given bool, v *T, def T) {
	if !given {
		*v = def
	}
}

// drawSeed returns a random seed that is short enough to be typed again.
func drawSeed() uint64 {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return uint64(time.Now().UnixNano()) & 0xffffffff
	}
	return uint64(binary.LittleEndian.Uint32(b[:]))
}

// mustJSON writes v as one line.
func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf(`{"event":"error","error":%q}`, err)
	}
	return string(b)
}
