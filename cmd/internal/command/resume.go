package command

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/train"
)

// This file is train --resume: an interrupted run goes on where it was, with the
// settings that its folder has.

// withResume are the flags that may be given with --resume: those that do not
// change the result, and --lr, which does on purpose.
var withResume = []string{"resume", "lr", "json", "threads", "workers", "checkpoint-every", "checkpoint-keep", "watch", "address", "tensorboard", "mlflow", "mlflow-experiment"}

// continueRun trains an interrupted run to its end.
func (f *trainFlags) continueRun(cmd *cobra.Command, p *printer) error {
	if err := refuseSettings(cmd); err != nil {
		return err
	}
	lr := "" // a new one, if it was given
	if cmd.Flags().Changed("lr") {
		lr = f.LR
	}
	ctx := cmd.Context()
	var out *run.Output // of the first rank, which alone needs the run's folder
	var from *train.Checkpoint
	var err error
	written := false
	if first(ctx) {
		if out, f.Config, err = run.OpenOutput(f.resume); err != nil {
			return err
		}
		defer out.Close()
		if from, err = f.lastState(out); err != nil {
			return err
		}
		written = out.Written()
	}
	if err := fromFirst(ctx, &written); err != nil {
		return err
	}
	if written {
		if out == nil {
			return nil
		}
		return f.publish(out, p)
	}
	if err := fromFirst(ctx, &f.Config); err != nil {
		return err
	}
	if err := sameSettings(ctx, f.resume, f.Config); err != nil {
		return err
	}
	if from, err = from.Broadcast(group(ctx)); err != nil {
		return err
	}
	if out != nil {
		if err := f.openWatch(p); err != nil {
			return err
		}
		defer f.closeWatch()
	}
	dls, err := f.loaders(ctx, p)
	if err != nil {
		return err
	}
	defer dls.Close()
	if from == nil {
		return f.fromBeginning(cmd, dls, lr, out, p)
	}
	return f.fromState(cmd, dls, from, lr, out, p)
}

// refuseSettings reports a flag that would change a run's settings.
func refuseSettings(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(fl *pflag.Flag) {
		if !slices.Contains(withResume, fl.Name) && err == nil {
			err = fmt.Errorf("--%s does not go with --resume: the settings are those of the first run", fl.Name)
		}
	})
	return err
}

// lastState returns the newest state that the run saved, nil if there is none to
// go on from: nothing had been saved, or the model is written already.
func (f *trainFlags) lastState(out *run.Output) (*train.Checkpoint, error) {
	from, err := train.LoadCheckpoint(out.Checkpoints())
	switch {
	case err == nil:
		if err := f.SameAs(from.Extra); err != nil {
			return nil, fmt.Errorf("--resume %s: %w", f.resume, err)
		}
		return from, nil
	case out.Written() || errors.Is(err, train.ErrNoCheckpoint):
		return nil, nil
	case errors.Is(err, train.ErrDamagedCheckpoint):
		return nil, fmt.Errorf("%w; to start over with the same settings, remove that folder and resume", err)
	}
	return nil, err
}

// publish finishes a run that was interrupted after its model was written.
func (f *trainFlags) publish(out *run.Output, p *printer) error {
	to, err := out.Tracking()
	if err != nil {
		return err
	}
	if err := out.Publish(); err != nil {
		return err
	}
	f.endMLflow(to.MLflow, out, p)
	p.finish(f.Config, out)
	return nil
}

// fromBeginning trains a run that had saved nothing before it was interrupted.
func (f *trainFlags) fromBeginning(cmd *cobra.Command, dls *data.DataLoaders, lr string, out *run.Output, p *printer) error {
	ctx := cmd.Context()
	l, err := onceAMachine(ctx, func() (*train.Learner, error) { return f.Learner(ctx, dls, train.Distributed(group(ctx))) })
	if err != nil {
		return err
	}
	if err := agree(ctx, f.Config, newRate(lr), l); err != nil {
		return err
	}
	if err := f.changeLR(0, lr, out); err != nil {
		return err
	}
	if out == nil {
		return f.end(ctx, f.Fit(ctx, l), l, nil, p)
	}
	if err := out.RecordPictures(ctx, dls); err != nil {
		return err
	}
	f.prepare(l, out, p)
	if err := f.openTrackers(l, out, p, true); err != nil {
		return err
	}
	p.start(f.Config, dls, nil)
	p.note("nothing had been saved before the interruption: training starts from the beginning")
	return f.end(ctx, f.Fit(ctx, l), l, out, p)
}

// fromState trains on from a state that the run saved.
func (f *trainFlags) fromState(cmd *cobra.Command, dls *data.DataLoaders, from *train.Checkpoint, lr string, out *run.Output, p *printer) error {
	ctx := cmd.Context()
	if out != nil {
		if err := out.CheckPictures(ctx, dls); err != nil {
			return fmt.Errorf("--resume %s: %w", f.resume, err)
		}
	}
	l, err := f.Resumed(ctx, dls, train.Distributed(group(ctx)))
	if err == nil && out != nil {
		err = out.CheckRoom(l)
	}
	if err != nil {
		return err
	}
	if err := agree(ctx, f.Config, newRate(lr), l); err != nil {
		return err
	}
	if err := f.changeLR(from.Step(), lr, out); err != nil {
		return err
	}
	if out == nil {
		return f.end(ctx, f.Resume(ctx, l, from), l, nil, p)
	}
	f.prepare(l, out, p)
	if err := f.openTrackers(l, out, p, true); err != nil {
		return err
	}
	p.start(f.Config, dls, from)
	for _, e := range from.Skipped {
		p.note("a newer checkpoint was passed over: %v", e)
	}
	if lr != "" {
		p.note("from step %d on with the learning rate %s", from.Step(), lr)
	}
	return f.end(ctx, f.Resume(ctx, l, from), l, out, p)
}

// newRate is the flag of a new learning rate, in which ranks must agree.
func newRate(lr string) string {
	if lr == "" {
		return "no --lr"
	}
	return "--lr " + shellWord(lr)
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
	if out == nil {
		return nil
	}
	return out.SetConfig(f.Config)
}
