package command

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/cmd/internal/watch"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/train/checkpoint"
)

type trainFlags struct {
	learnerFlags
	out     string
	resume  string
	every   time.Duration
	keep    int
	page    watchFlags
	watcher *watch.Watcher
	track   trackFlags
}

func newTrain() *cobra.Command {
	f := &trainFlags{learnerFlags: learnerFlags{Config: run.Default()}}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Fine-tune a classifier on a folder of pictures",
		Long: `Fine-tune a classifier and say how good it is.

Without --data, it trains on pictures that the program draws itself, from a small
network pretrained on other drawn pictures: nothing is downloaded.`,
		Example: `  whippet train
  whippet train --data pets --epochs 2
  whippet train --data photos/ --label folder --arch resnet18 --out runs/first
  whippet train --data cifar --arch resnet18 --weights none --presize 0 --size 32 --epochs 1
  whippet train --data photos/ --from runs/first/model.safetensors --epochs 3 --lr 'slice(1e-6,1e-4)'
  whippet train --resume runs/first
  whippet train --resume runs/first --lr 2e-4`,
		Args:        cobra.NoArgs,
		Annotations: onRanks,
		RunE:        func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.fitFlags(cmd)
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "folder for the results (default runs/DATE-TIME-ARCH)")
	cmd.Flags().StringVar(&f.resume, "resume", "", "continue the interrupted run of this folder; with --lr, from here on with that learning rate")
	f.page.flags(cmd)
	f.track.flags(cmd)
	return cmd
}

// fitFlags adds the flags that say which pictures, which network and how it is
// trained. The settings of f are the defaults.
func (f *trainFlags) fitFlags(cmd *cobra.Command) {
	fl := cmd.Flags()
	f.flags(cmd)
	optimizerFlags(cmd, &f.Updates)
	averageFlags(cmd, &f.Updates)
	courseFlags(cmd, &f.Course)
	dropPathFlag(cmd, &f.Course)
	recipeFlag(cmd, &f.Config)
	fl.IntVar(&f.Epochs, "epochs", f.Epochs, "epochs with all layers training")
	fl.IntVar(&f.FreezeEpochs, "freeze-epochs", f.FreezeEpochs, "epochs before that in which only the head and the batch norms train")
	fl.StringVar(&f.LR, "lr", f.LR, "learning rate; with --schedule other than fine-tune also slice(1e-6,1e-4) or a list, one for each layer group")
	fl.StringVar(&f.Schedule, "schedule", f.Schedule, "fine-tune, one-cycle, flat-cos, cosine or constant (with --weights none, one-cycle unless given)")
	fl.IntVar(&f.Patience, "patience", f.Patience, "stop after this many epochs in which what --monitor names got no better; 0 for never")
	fl.BoolVar(&f.SaveBest, "save-best", f.SaveBest, "keep the weights of the epoch in which what --monitor names was best")
	fl.StringVar(&f.Monitor, "monitor", f.Monitor, "what --save-best and --patience go by: train_loss or a metric of --metrics, which knows whether higher is better (default valid_loss)")
	one, several, numbers := run.MetricNames()
	fl.StringVar(&f.Metrics, "metrics", f.Metrics, "what to measure, separated by commas: "+strings.Join(one, ", ")+"; for several labels "+strings.Join(several, ", ")+"; for numbers "+strings.Join(numbers, ", "))
	fl.StringVar(&f.HeadOnly, "head-only", f.HeadOnly, "fit a head at once to the features that the body has of the pictures, in seconds: `HOW` linear (softmax regression, of numbers a ridge regression, with --weight-decay), nearest-mean, or knn (a vote of the nearest training pictures); features are kept for the next time")
	confidenceFlags(cmd, &f.Config)
	fl.DurationVar(&f.every, "checkpoint-every", 5*time.Minute, "how often to save the state of training, besides after every epoch")
	fl.IntVar(&f.keep, "checkpoint-keep", checkpoint.DefaultKeep, "how many checkpoints to keep, the newest")
}

func (f *trainFlags) run(cmd *cobra.Command) error {
	if f.keep < 1 || f.every < 0 {
		return errors.New("--checkpoint-every must not be negative, --checkpoint-keep at least 1")
	}
	if cmd.Flags().Changed("address") && !f.page.wanted {
		return errors.New("--address says where the page of --watch is: give --watch too")
	}
	if err := f.setThreads(); err != nil {
		return err
	}
	p := printerOn(cmd, f.json)
	defer p.close()
	if f.resume != "" {
		return f.continueRun(cmd, p)
	}
	return f.begin(cmd, p)
}

// begin starts a new run and trains to its end.
func (f *trainFlags) begin(cmd *cobra.Command, p *printer) error {
	if err := f.followRecipe(cmd); err != nil {
		return err
	}
	if err := f.settle(cmd.Context(), cmd.Flags().Changed); err != nil {
		return err
	}
	if err := f.settleTogether(cmd.Context(), cmd.Flags().Changed); err != nil {
		return err
	}
	return f.begun(cmd.Context(), p)
}

// begun trains a run whose settings are settled to its end.
func (f *trainFlags) begun(ctx context.Context, p *printer) error {
	dls, err := f.loaders(ctx, p)
	if err != nil {
		return err
	}
	defer dls.Close()
	if f.HeadOnly != "" && len(dls.Train.Items()) < 2 {
		return errors.New("--head-only: a head is fitted to two training pictures at least")
	}
	l, err := onceAMachine(ctx, func() (*train.Learner, error) { return f.Learner(ctx, dls, train.Distributed(group(ctx))) })
	if err != nil {
		return err
	}
	if err := agree(ctx, f.Config, "", l); err != nil {
		return err
	}
	if !first(ctx) {
		return f.end(ctx, f.Fit(ctx, l), l, nil, p)
	}
	if err := f.openWatch(p); err != nil {
		return err
	}
	defer f.closeWatch()
	out, err := f.newOutput(ctx, l, dls)
	if err != nil {
		return err
	}
	defer out.Close()
	f.prepare(l, out, p)
	if err := f.openTrackers(l, out, p, false); err != nil {
		out.Discard()
		return err
	}
	p.start(f.Config, dls, nil)
	if f.HeadOnly != "" {
		return f.end(ctx, f.fitHead(ctx, l, p), l, out, p)
	}
	return f.end(ctx, f.Fit(ctx, l), l, out, p)
}

// settle decides what was left open, so that the settings say all of the run.
func (f *trainFlags) settle(ctx context.Context, changed func(string) bool) (err error) {
	if err := f.CheckHeadOnly(changed, group(ctx).Size()); err != nil {
		return err
	}
	if err := f.adaptDefaults(ctx, changed); err != nil {
		return err
	}
	if f.HeadOnly != "" {
		f.Head, f.Epochs, f.FreezeEpochs, f.Augment = f.HeadOfFit(), 1, 0, false
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
	if f.out == "" {
		f.out = filepath.Join("runs", time.Now().Format("20060102-150405")+"-"+f.Arch)
	}
	return nil
}

// settleTogether gives all ranks what rank 0 has drawn.
func (f *trainFlags) settleTogether(ctx context.Context, changed func(string) bool) error {
	zero := struct {
		Seed uint64
		Out  string
	}{f.Seed, f.out}
	if err := fromFirst(ctx, &zero); err != nil {
		return err
	}
	set(changed("seed"), &f.Seed, zero.Seed)
	set(changed("out"), &f.out, zero.Out)
	return nil
}

// newOutput makes the run's folder and notes the pictures in it. There must be
// room for what training will write.
func (f *trainFlags) newOutput(ctx context.Context, l *train.Learner, dls *data.DataLoaders) (*run.Output, error) {
	out, err := run.NewOutput(f.out, f.Config)
	if err != nil {
		return nil, err
	}
	err = out.CheckRoom(l)
	if err == nil {
		err = out.RecordPictures(ctx, dls)
	}
	if err != nil {
		out.Discard()
		out.Close()
		return nil, fmt.Errorf("--out %s: %w", f.out, err)
	}
	return out, nil
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
// end. Ranks other than the first, which have no output, have nothing to write.
func (f *trainFlags) end(ctx context.Context, err error, l *train.Learner, out *run.Output, p *printer) error {
	p.close()
	if err != nil {
		if out == nil {
			return err
		}
		f.endWatch(err, out)
		f.closeTrackers(err, p)
		return f.stopped(err, l, out, p)
	}
	left, one, err := damagedOnAll(ctx, l.DLs)
	if err != nil {
		return err
	}
	if left > 0 {
		p.note("%d damaged pictures were left out of training, the first: %s", left, one)
	}
	if out != nil {
		p.monitored(l)
	}
	f.fitConfidence(ctx, l, p) // by predictions that all ranks share
	if out == nil {
		return nil
	}
	f.forgotten(ctx, l, p)
	err = f.finish(ctx, l, out, p)
	f.endWatch(err, out)
	f.closeTrackers(err, p)
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
			return fmt.Errorf("%w; nothing is lost: the trained state is in %s, and once the cause is fixed, whippet train --resume %s finishes the run", err, cp.Path, out.Dir)
		}
		if !files.DiskFull(err) || time.Since(began) > waitForRoom {
			path, e := out.Rescue(f.Config, l)
			if e != nil {
				return fmt.Errorf("%w; nor could the model be written elsewhere: %w", err, e)
			}
			return fmt.Errorf("%w; the trained model is in %s: move it to where you want to keep it", err, path)
		}
		p.note("%v; the trained model is only in memory: free some space; saving is tried again every 5 seconds for an hour, and Ctrl-C gives the model up", err)
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
		f.track.discard()
		return err
	}
	switch {
	case errors.Is(err, train.ErrDiverged) && cp.Step() == l.Step:
		p.note("the only saved state (step %d, %s) is the one that gives this loss: start over with a smaller --lr", cp.Step(), cp.Path)
	case errors.Is(err, train.ErrDiverged):
		p.note("the last good state (step %d) is in %s; resuming from it would diverge again, so continue with a smaller learning rate: whippet train --resume %s --lr %s", cp.Step(), cp.Path, out.Dir, shellWord(f.SmallerLR()))
	case errors.Is(err, train.ErrNotSaved):
		p.note("the state of step %d is saved; continue from there with: whippet train --resume %s", cp.Step(), out.Dir)
	case errors.Is(err, train.ErrInterrupted):
		p.note("progress is saved (step %d); continue with: whippet train --resume %s", cp.Step(), out.Dir)
	default:
		p.note("training can be continued from step %d with: whippet train --resume %s", cp.Step(), out.Dir)
	}
	return err
}

// shellWord quotes a learning rate that a shell would take apart.
func shellWord(s string) string {
	if strings.ContainsAny(s, "()[] ,") {
		return "'" + s + "'"
	}
	return s
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
