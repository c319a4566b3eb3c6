package main

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/cmd/whippet/internal/run"
	"github.com/whippet-ml/whippet/cmd/whippet/internal/watch"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/train"
)

// openWatch opens the live page of a run where one is wanted, and tells where it
// is.
func (f *trainFlags) openWatch(p *printer) error {
	if f.watch == "" {
		return nil
	}
	o := watch.Options{Address: f.watch, Epochs: f.Epochs + f.FreezeEpochs, Title: fmt.Sprintf("%s on %s", f.Arch, f.Data)}
	if f.Data == run.Drawn {
		o.Title = f.Arch + " on drawn breeds"
	}
	if a, err := models.ByName(f.Arch); err == nil {
		o.Stats = a.Stats()
	}
	w, err := watch.New(o)
	if err != nil {
		return fmt.Errorf("--watch: %w", err)
	}
	f.watcher = w
	p.note("live view of the training: %s", w.URL())
	return nil
}

// endWatch says on the live page how training ended.
func (f *trainFlags) endWatch(err error, out *run.Output) {
	if f.watcher == nil {
		return
	}
	switch {
	case err == nil:
		f.watcher.End("done", "Training is done. The model is in "+out.Dir+".")
	case errors.Is(err, train.ErrInterrupted):
		f.watcher.End("stopped", "Training was interrupted. To continue: whippet train --resume "+out.Dir)
	default:
		f.watcher.End("failed", "Training failed: "+err.Error())
	}
}

// closeWatch closes the live page. It has no say in how the run ends.
func (f *trainFlags) closeWatch() {
	if f.watcher != nil {
		_ = f.watcher.Close()
	}
}
