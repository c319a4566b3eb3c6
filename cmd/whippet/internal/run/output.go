package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/train"
)

// Names of the files in a run's output folder.
const (
	ConfigFile  = "config.json"
	HistoryFile = "history.csv"
	ModelFile   = "model.safetensors"
)

// partialSuffix marks the folder of a run that is not complete: its settings,
// checkpoints and history so far. The output folder itself appears when all is written.
const partialSuffix = ".partial"

// lockFile is locked by the process that works on the partial folder.
const lockFile = ".lock"

// Output is where a run's results go. It holds a lock, so that no second process
// works on the same run; Close gives it back.
type Output struct {
	Dir     string
	partial string
	lock    *flock.Flock
}

func newOutput(dir string) *Output {
	dir = filepath.Clean(dir)
	if filepath.Ext(dir) == partialSuffix { // the partial folder itself was named
		dir = dir[:len(dir)-len(partialSuffix)]
	}
	return &Output{Dir: dir, partial: dir + partialSuffix}
}

// NewOutput checks that dir can become the run's output folder and creates the
// partial one beside it, with the settings. A folder that exists is an error,
// and so is one of an interrupted run: it may be resumed.
func NewOutput(dir string, c Config) (*Output, error) {
	o := newOutput(dir)
	if _, err := os.Lstat(o.Dir); err == nil {
		return nil, fmt.Errorf("--out %s: it exists already: choose another folder, or remove it", dir)
	}
	fail := func(err error) (*Output, error) {
		o.Close()
		return nil, fmt.Errorf("--out %s: %w", dir, err)
	}
	if err := os.MkdirAll(o.partial, 0o777); err != nil {
		return fail(err)
	}
	if err := o.take(); err != nil {
		return fail(err)
	}
	// Without settings, the folder is what a run left that was killed as it
	// began; there is nothing in it.
	settings := filepath.Join(o.partial, ConfigFile)
	if _, err := os.Lstat(settings); err == nil {
		return fail(fmt.Errorf("there is an interrupted run in %s: continue it with --resume %s, or remove it", o.partial, o.Dir))
	}
	if err := writeJSON(settings, c); err != nil {
		o.Discard()
		return fail(err)
	}
	return o, nil
}

// OpenOutput finds the interrupted run of an output folder and its settings.
func OpenOutput(dir string) (*Output, Config, error) {
	o := newOutput(dir)
	c, err := ReadConfig(filepath.Join(o.partial, ConfigFile))
	if errors.Is(err, os.ErrNotExist) {
		if isDir(o.Dir) {
			return nil, c, fmt.Errorf("--resume %s: this run is complete: there is nothing to resume", dir)
		}
		return nil, c, fmt.Errorf("--resume %s: there is no interrupted run (%s has no settings)", dir, o.partial)
	}
	if err == nil {
		err = o.take()
	}
	if err != nil {
		return nil, c, fmt.Errorf("--resume %s: %w", dir, err)
	}
	return o, c, nil
}

// take locks the partial folder. The system frees the lock of a process that
// dies.
func (o *Output) take() error {
	l := flock.New(filepath.Join(o.partial, lockFile))
	ok, err := l.TryLock()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) {
		return nil // some network file systems have no locks: then the user takes care
	}
	if err != nil {
		return fmt.Errorf("locking the run's folder: %w", err)
	}
	if !ok {
		return fmt.Errorf("another process is working on this run (it holds %s): wait for it, or stop it", l.Path())
	}
	o.lock = l
	return nil
}

// Close gives the lock back. What was written stays.
func (o *Output) Close() {
	if o.lock != nil {
		_ = o.lock.Unlock()
		o.lock = nil
	}
}

// Checkpoints returns the folder of the run's checkpoints.
func (o *Output) Checkpoints() string { return filepath.Join(o.partial, "checkpoints") }

// Written reports whether all results are written, and only Publish is left to
// do: the run was interrupted in between.
func (o *Output) Written() bool {
	_, err := os.Lstat(filepath.Join(o.partial, ModelFile)) // the last one that Finish writes
	return err == nil
}

// SetConfig replaces the settings of the run that is under way.
func (o *Output) SetConfig(c Config) error {
	if err := writeJSON(filepath.Join(o.partial, ConfigFile), c); err != nil {
		return fmt.Errorf("writing the run's settings: %w", err)
	}
	return nil
}

// History returns a callback that keeps history.csv in the partial folder: a
// row more after each epoch, whole at any moment. A run that is resumed begins
// with the rows of its checkpoint, so that an epoch which is done again has one
// row. When the file cannot be written failed is told, and training goes on;
// Finish writes it again.
func (o *Output) History(failed func(error)) train.Callback {
	return train.CallbackFunc(func(e train.Event, l *train.Learner) error {
		path := filepath.Join(o.partial, HistoryFile)
		var err error
		switch {
		case e == train.BeforeFit && len(l.Recorder.Rows) == 0:
			if err = os.Remove(path); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		case e == train.BeforeFit, e == train.AfterEpoch:
			err = l.Recorder.SaveCSV(path)
		}
		if err != nil {
			failed(err)
		}
		return nil
	})
}

// Finish writes history and model and makes the output folder appear. When it
// fails, the checkpoints are still there.
func (o *Output) Finish(c Config, l *train.Learner) error {
	if err := l.Recorder.SaveCSV(filepath.Join(o.partial, HistoryFile)); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	if err := SaveModel(filepath.Join(o.partial, ModelFile), c, l); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return o.Publish()
}

// Publish removes the checkpoints and gives the folder its name.
func (o *Output) Publish() error {
	fail := func(err error) error { return fmt.Errorf("making %s: %w", o.Dir, err) }
	if err := (&train.Checkpoints{Dir: o.Checkpoints()}).Remove(); err != nil {
		return fail(err)
	}
	for _, prefix := range []string{ModelFile, HistoryFile, ConfigFile, PicturesFile} {
		if err := files.RemoveLeftovers(o.partial, prefix); err != nil {
			return fail(err)
		}
	}
	o.Close() // an open file would keep Windows from renaming
	if err := os.Remove(filepath.Join(o.partial, lockFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fail(err)
	}
	if err := os.Rename(o.partial, o.Dir); err != nil {
		return fail(err)
	}
	return nil
}

// Discard removes the partial folder of a run that never got to a checkpoint.
func (o *Output) Discard() {
	// Only when it is empty: whatever it holds is worth more than a tidy disk.
	if err := os.Remove(o.Checkpoints()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return
	}
	o.Close()
	_ = os.Remove(filepath.Join(o.partial, HistoryFile)) // of epochs of which nothing else is left
	_ = os.Remove(filepath.Join(o.partial, PicturesFile))
	_ = os.Remove(filepath.Join(o.partial, ConfigFile))
	_ = os.Remove(filepath.Join(o.partial, lockFile))
	_ = os.Remove(o.partial)
}

// SaveModel writes the learner's model as one file with everything that is
// needed to classify pictures.
func SaveModel(path string, c Config, l *train.Learner) error {
	c.Dir = "" // where it was trained is nobody's business who gets the model
	notes, err := json.Marshal(map[string]any{"config": c, "history": historyJSON(l.Recorder)})
	if err != nil {
		return err
	}
	return models.Save(path, l.Model, models.Info{Vocab: l.DLs.Vocab, Preprocess: c.Preprocess(), Training: notes})
}

func historyJSON(r *train.Recorder) []map[string]any {
	var rows []map[string]any
	for _, row := range r.Rows {
		m := map[string]any{"epoch": row.Epoch, "phase": row.Phase}
		put := func(k string, v float64) {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				m[k] = v
			}
		}
		put("train_loss", row.TrainLoss)
		put("valid_loss", row.ValidLoss)
		for i, n := range r.MetricNames {
			if i < len(row.Metrics) {
				put(n, row.Metrics[i])
			}
		}
		rows = append(rows, m)
	}
	return rows
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return files.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}
