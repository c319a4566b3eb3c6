package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whippet-ml/whippet/cmd/whippet/internal/localweb"
	"github.com/whippet-ml/whippet/cmd/whippet/internal/run"
	"github.com/whippet-ml/whippet/cmd/whippet/internal/watch"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/train/checkpoint"
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
	watch   string // address of the live page, "" for none
	watcher *watch.Watcher
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
  whippet train --data photos/ --from runs/first/model.safetensors --epochs 3 --lr 'slice(1e-6,1e-4)'
  whippet train --resume runs/first
  whippet train --resume runs/first --lr 2e-4`,
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
	fl.StringVar(&f.resume, "resume", "", "continue the interrupted run of this folder; with --lr, from here on with that learning rate")
	fl.DurationVar(&f.every, "checkpoint-every", 5*time.Minute, "save the state of training so often, besides every epoch")
	fl.IntVar(&f.keep, "checkpoint-keep", checkpoint.DefaultKeep, "newest checkpoints that are kept")
	fl.BoolVar(&f.json, "json", false, "print one JSON object a line")
	fl.StringVar(&f.watch, "watch", "", "show the training live on a local web page; --watch=HOST:PORT says where (default: loopback, any free port)")
	fl.Lookup("watch").NoOptDefVal = localweb.DefaultAddress
	fl.IntVar(&f.threads, "threads", 0, "threads that compute; 0 for all cores. It does not change the result")
	fl.IntVar(&f.workers, "workers", 0, "goroutines that decode pictures; 0 for as many as cores. It does not change the result")
	return cmd
}

// withResume are the flags that may be given with --resume: those that do not
// change the result, and --lr, which does on purpose.
var withResume = []string{"resume", "lr", "json", "threads", "workers", "checkpoint-every", "checkpoint-keep", "watch"}

func (f *trainFlags) run(cmd *cobra.Command) (err error) {
	if f.threads < 0 || f.workers < 0 || f.keep < 1 || f.every < 0 {
		return errors.New("--threads, --workers and --checkpoint-every must not be negative, --checkpoint-keep at least 1")
	}
	if f.threads > 0 {
		parallel.SetThreads(f.threads)
	}
	p := newPrinter(f.json)
	defer p.close()
	if f.resume != "" {
		return f.goOn(cmd, p)
	}
	changed := cmd.Flags().Changed
	if err := f.fillDefaults(changed); err != nil {
		return err
	}
	if err := f.Check(); err != nil {
		return err
	}
	if !changed("seed") {
		f.Seed = drawSeed()
	}
	if f.Dir, err = os.Getwd(); err != nil {
		f.Dir = "" // then --resume must be given in the same folder
	}
	ctx := cmd.Context()
	dls, err := loaders(ctx, &f.Config, f.workers, p)
	if err != nil {
		return err
	}
	defer dls.Close()
	l, err := f.Learner(ctx, dls)
	if err != nil {
		return err
	}
	if err := f.openWatch(p); err != nil {
		return err
	}
	defer f.closeWatch()
	if f.out == "" {
		f.out = filepath.Join("runs", time.Now().Format("20060102-150405")+"-"+f.Arch)
	}
	out, err := run.NewOutput(f.out, f.Config)
	if err != nil {
		return err
	}
	defer out.Close()
	err = out.CheckRoom(l)
	if err == nil {
		err = out.RecordPictures(ctx, dls)
	}
	if err != nil {
		out.Discard()
		return fmt.Errorf("--out %s: %w", f.out, err)
	}
	f.prepare(l, out, p)
	p.start(f.Config, dls, nil)
	return f.end(ctx, f.Fit(ctx, l), l, out, p)
}

// goOn continues an interrupted run.
func (f *trainFlags) goOn(cmd *cobra.Command, p *printer) error {
	var wrong error
	cmd.Flags().Visit(func(fl *pflag.Flag) {
		if !slices.Contains(withResume, fl.Name) && wrong == nil {
			wrong = fmt.Errorf("--%s does not go with --resume: the settings are those of the first run", fl.Name)
		}
	})
	if wrong != nil {
		return wrong
	}
	lr := "" // a new one, if it was given
	if cmd.Flags().Changed("lr") {
		lr = f.LR
	}
	out, c, err := run.OpenOutput(f.resume)
	if err != nil {
		return err
	}
	defer out.Close()
	f.Config = c
	from, err := train.LoadCheckpoint(out.Checkpoints())
	if err == nil {
		if err := c.SameAs(from.Extra); err != nil {
			return fmt.Errorf("--resume %s: %w", f.resume, err)
		}
	}
	if out.Written() {
		if err := out.Publish(); err != nil {
			return err
		}
		p.finish(f.Config, out)
		return nil
	}
	if errors.Is(err, train.ErrDamagedCheckpoint) {
		return fmt.Errorf("%w; to begin anew with the same settings, remove that folder and resume", err)
	}
	if err != nil && !errors.Is(err, train.ErrNoCheckpoint) {
		return err
	}
	if err := f.openWatch(p); err != nil {
		return err
	}
	defer f.closeWatch()
	ctx := cmd.Context()
	dls, err := loaders(ctx, &f.Config, f.workers, p)
	if err != nil {
		return err
	}
	defer dls.Close()
	if from == nil {
		l, err := f.Learner(ctx, dls)
		if err != nil {
			return err
		}
		if err := out.RecordPictures(ctx, dls); err != nil {
			return err
		}
		if err := f.changeLR(0, lr, out); err != nil {
			return err
		}
		f.prepare(l, out, p)
		p.start(f.Config, dls, nil)
		p.note("nothing had been saved before the interruption: training begins at the beginning")
		return f.end(ctx, f.Fit(ctx, l), l, out, p)
	}
	if err := out.CheckPictures(ctx, dls); err != nil {
		return fmt.Errorf("--resume %s: %w", f.resume, err)
	}
	l, err := f.Resumed(ctx, dls)
	if err == nil {
		err = out.CheckRoom(l)
	}
	if err != nil {
		return err
	}
	if err := f.changeLR(from.Step(), lr, out); err != nil {
		return err
	}
	f.prepare(l, out, p)
	p.start(f.Config, dls, from)
	for _, e := range from.Skipped {
		p.note("a newer checkpoint was passed over: %v", e)
	}
	if lr != "" {
		p.note("from step %d on with the learning rate %s", from.Step(), lr)
	}
	return f.end(ctx, f.Resume(ctx, l, from), l, out, p)
}

// changeLR notes in the run's settings that it goes on after step with the
// learning rate lr, if one was given.
func (f *trainFlags) changeLR(step int, lr string, out *run.Output) error {
	if lr == "" {
		return nil
	}
	if err := f.ChangeLR(step, lr); err != nil {
		return err
	}
	return out.SetConfig(f.Config)
}

// loaders finds and prepares the data that c names.
func loaders(ctx context.Context, c *run.Config, workers int, p *printer) (*data.DataLoaders, error) {
	root, err := c.Prepare(ctx, datasets.WithProgress(p.download))
	if err != nil {
		return nil, err
	}
	block, err := c.Block(root)
	if err != nil {
		return nil, err
	}
	block.Workers = workers
	dls, err := block.DataLoaders(ctx, root)
	if err != nil {
		return nil, err
	}
	c.Batch = dls.Block.BatchSize
	return dls, nil
}

// prepare sets what the settings do not say: where state is saved, and who
// tells about it.
func (f *trainFlags) prepare(l *train.Learner, out *run.Output, p *printer) {
	l.Checkpoints = &train.Checkpoints{Dir: out.Checkpoints(), Every: f.every, Keep: f.keep, Extra: json.RawMessage(mustJSON(f.Config)), Failed: func(err error) error {
		p.note("%v; training goes on, and saving is tried again", err)
		return nil
	}}
	l.Callbacks = append(l.Callbacks, p, out.History(func(err error) { p.note("%v; training goes on", err) }))
	if f.watcher != nil {
		l.Callbacks = append(l.Callbacks, f.watcher)
	}
}

// end writes the results of a fit, or says how to go on after one that did not
// end.
func (f *trainFlags) end(ctx context.Context, err error, l *train.Learner, out *run.Output, p *printer) error {
	p.close()
	if err != nil {
		f.endWatch(err, out)
		return f.stopped(err, l, out, p)
	}
	if left := l.DLs.Train.Damaged(); len(left) > 0 {
		p.note("%d damaged pictures were left out of training, the first: %v", len(left), left[0])
	}
	err = f.finish(ctx, l, out, p)
	f.endWatch(err, out)
	if err != nil {
		return err
	}
	p.finish(f.Config, out)
	return nil
}

// waitForRoom is how long finish waits for a full disk to have room.
const waitForRoom = time.Hour

// finish writes the results. When the disk is full and the trained state is in no
// checkpoint either, it waits for room: ending would lose it. No other failure
// passes by waiting; then it says where the model is.
func (f *trainFlags) finish(ctx context.Context, l *train.Learner, out *run.Output, p *printer) error {
	for began := time.Now(); ; {
		err := out.Finish(f.Config, l)
		if err == nil || out.Written() { // then the error says where the model is
			return err
		}
		if cp, e := train.LoadCheckpoint(out.Checkpoints()); e == nil && cp.Done() {
			return fmt.Errorf("%w; nothing is lost: the trained state is in %s, and when the cause is gone, whippet train --resume %s finishes", err, cp.Path, out.Dir)
		}
		if !files.DiskFull(err) || time.Since(began) > waitForRoom {
			path, e := out.Rescue(f.Config, l)
			if e != nil {
				return fmt.Errorf("%w; nor could the model be written elsewhere: %w", err, e)
			}
			return fmt.Errorf("%w; the trained model is in %s: move it to where it shall stay", err, path)
		}
		p.note("%v; the trained model is only in memory: make room, this is tried again every 5 seconds for an hour; Ctrl-C gives it up", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; given up: %w", err, context.Cause(ctx))
		case <-time.After(5 * time.Second):
		}
	}
}

// stopped says how to go on after a fit that did not end.
func (f *trainFlags) stopped(err error, l *train.Learner, out *run.Output, p *printer) error {
	cp, e := train.LoadCheckpoint(out.Checkpoints())
	if e != nil {
		out.Discard()
		return err
	}
	switch {
	case errors.Is(err, train.ErrDiverged) && cp.Step() == l.Step:
		p.note("the only state that is saved (step %d, %s) is the one that gives this loss: begin anew with a smaller --lr", cp.Step(), cp.Path)
	case errors.Is(err, train.ErrDiverged):
		p.note("the last good state (step %d) is in %s; from there it would go the same way; go on with a smaller learning rate: whippet train --resume %s --lr %s", cp.Step(), cp.Path, out.Dir, shellWord(f.SmallerLR()))
	case errors.Is(err, train.ErrNotSaved):
		p.note("the state of step %d is saved; continue from there with: whippet train --resume %s", cp.Step(), out.Dir)
	case errors.Is(err, train.ErrInterrupted):
		p.note("what was trained is saved (step %d); continue with: whippet train --resume %s", cp.Step(), out.Dir)
	default:
		p.note("training can be continued from step %d with: whippet train --resume %s", cp.Step(), out.Dir)
	}
	return err
}

// fillDefaults adapts the defaults of flags that were not given to those that
// were. Going on from a model takes its architecture and its input's size.
func (f *trainFlags) fillDefaults(changed func(string) bool) error {
	if changed("batch") && f.Batch == 0 {
		return fmt.Errorf("--batch 0: must be 2 to 65536; without the flag it is %d, or less with fewer pictures", data.DefaultBatchSize)
	}
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
	if f.From != "" {
		for _, name := range []string{"arch", "weights"} {
			if changed(name) {
				return fmt.Errorf("--%s does not go with --from: the network and its weights are the saved model's", name)
			}
		}
		_, info, err := models.Load(f.From)
		if err != nil {
			return fmt.Errorf("--from: %w", err)
		}
		if err := f.DigestFrom(); err != nil {
			return err
		}
		f.Arch = info.Arch
		pre := info.Preprocess
		set(changed("presize"), &f.Presize, pre.Presize)
		set(changed("size"), &f.Size, pre.Size)
		set(changed("resize"), &f.Resize, pre.Method)
	}
	if f.Weights == "none" || f.From != "" {
		// A random body must not be frozen, nor train at a hundredth of the rate;
		// a model that is trained already needs no frozen epochs.
		set(changed("schedule"), &f.Schedule, "one-cycle")
		set(changed("freeze-epochs"), &f.FreezeEpochs, 0)
	}
	return nil
}

// shellWord quotes a learning rate that a shell would take apart.
func shellWord(s string) string {
	if strings.ContainsAny(s, "()[] ,") {
		return "'" + s + "'"
	}
	return s
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
