package command

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/localweb"
	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/cmd/internal/watch"
	"github.com/whippet-ml/whippet/train"
)

// watchFlags say whether training is shown on a live page, and where that is.
type watchFlags struct {
	wanted  bool
	address string
	old     bool // the address came by --watch, as it once did
}

// flags adds --watch and --address.
func (w *watchFlags) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.Var(w, "watch", "show the training live on a local web page")
	fl.Lookup("watch").NoOptDefVal = "true"
	fl.StringVar(&w.address, "address", localweb.DefaultAddress, "where the page of --watch is, host:port; port 0 is any free one")
}

// Set implements pflag.Value: --watch, --watch=false, or as it once was,
// --watch=HOST:PORT.
func (w *watchFlags) Set(s string) error {
	if on, err := strconv.ParseBool(s); err == nil {
		w.wanted = on
		return nil
	}
	w.wanted, w.address, w.old = true, s, true
	return nil
}

// String implements pflag.Value.
func (w *watchFlags) String() string { return strconv.FormatBool(w.wanted) }

// Type implements pflag.Value.
func (w *watchFlags) Type() string { return "bool" }

// openWatch opens the live page of a run where one is wanted, and tells where it
// is.
func (f *trainFlags) openWatch(p *printer) error {
	if !f.page.wanted {
		return nil
	}
	if f.page.old {
		p.note("--watch=HOST:PORT is deprecated; it is --watch --address HOST:PORT now")
	}
	o := watch.Options{Address: f.page.address, Epochs: f.Epochs + f.FreezeEpochs, Title: fmt.Sprintf("%s on %s", f.Arch, f.Data)}
	if f.Data == run.Drawn {
		o.Title = f.Arch + " on drawn breeds"
	}
	o.Stats = f.Preprocess().Stats
	w, err := watch.New(o)
	if err != nil {
		return fmt.Errorf("--address: %w", err)
	}
	f.watcher = w
	p.note("live view of training: %s", w.URL())
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
