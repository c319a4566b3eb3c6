package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/train/checkpoint"
)

// Names of the files in a run's output folder.
const (
	ConfigFile  = "config.json"
	HistoryFile = "history.csv"
	ModelFile   = "model.safetensors"
)

// PartialSuffix marks the folder of a run that is not complete: its settings,
// checkpoints and history so far. The output folder itself appears when all is written.
const PartialSuffix = ".partial"

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
	if filepath.Ext(dir) == PartialSuffix { // the partial folder itself was named
		dir = dir[:len(dir)-len(PartialSuffix)]
	}
	return &Output{Dir: dir, partial: dir + PartialSuffix}
}

// InterruptedConfig is the file with the settings of the interrupted run of an output folder.
func InterruptedConfig(dir string) string { return filepath.Join(newOutput(dir).partial, ConfigFile) }

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
		return nil, c, fmt.Errorf("--resume %s: %s", dir, notResumable(o))
	}
	if err == nil {
		err = o.take()
	}
	if err == nil {
		if err = o.writable(); err != nil {
			o.Close()
		}
	}
	if err == nil && !o.Written() { // a written one is told where the model is
		if err = o.free(); err != nil {
			o.Close()
		}
	}
	if err != nil {
		return nil, c, fmt.Errorf("--resume %s: %w", dir, err)
	}
	return o, c, nil
}

// writable returns an error when nothing can be written to the run's folder:
// better now than after the training. A full disk passes: there may be room by
// then.
func (o *Output) writable() error {
	f, err := os.CreateTemp(o.partial, ".writable-*")
	if err != nil {
		if files.DiskFull(err) {
			return nil
		}
		return fmt.Errorf("the run's folder cannot be written to: %w", err)
	}
	err = f.Close()
	if e := os.Remove(f.Name()); err == nil {
		err = e
	}
	return err
}

// CheckRoom returns an error when a file of the model's size may not be written:
// the process has a limit on the size of files.
func (o *Output) CheckRoom(l *train.Learner) error {
	limit, limited := files.SizeLimit()
	size := int64(0)
	for _, e := range nn.State(l.Model) {
		size += 4 * int64(tensor.Size(e.Shape...))
	}
	if limited && size > limit {
		return fmt.Errorf("the model takes %d bytes, and files of more than %d may not be written here: raise the limit (ulimit -f)", size, limit)
	}
	return nil
}

// takePatience is for how long take asks again for a lock: Busy holds it for a moment.
const takePatience = 200 * time.Millisecond

// take locks the partial folder. The system frees the lock of a process that
// dies.
func (o *Output) take() error {
	// Whoever may write to the folder may go on with the run.
	l := flock.New(filepath.Join(o.partial, lockFile), flock.SetPermissions(0o666))
	ctx, cancel := context.WithTimeout(context.Background(), takePatience)
	defer cancel()
	ok, err := l.TryLockContext(ctx, takePatience/10)
	if errors.Is(err, context.DeadlineExceeded) {
		ok, err = false, nil
	}
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

// Finish writes history and model and makes the output folder appear. On a full
// disk all checkpoints but the newest make room. When it fails, that one is still
// there.
func (o *Output) Finish(c Config, l *train.Learner) error {
	write := func() error {
		if err := l.Recorder.SaveCSV(filepath.Join(o.partial, HistoryFile)); err != nil {
			return err
		}
		return SaveModel(o.ModelPath(), c, l)
	}
	err := write()
	if files.DiskFull(err) {
		if removed, e := (checkpoint.Folder{Dir: o.Checkpoints()}).MakeRoom(); e == nil && removed > 0 {
			err = write()
		}
	}
	if err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return o.Publish()
}

// ModelPath is where the model lies before the output folder appears.
func (o *Output) ModelPath() string { return filepath.Join(o.partial, ModelFile) }

// free returns an error when the output folder's name is taken: by a folder
// that was made while the run was under way.
func (o *Output) free() error {
	if _, err := os.Lstat(o.Dir); err == nil {
		return fmt.Errorf("there is a %s now, which was not there when the run began: move it away, then whippet train --resume %s finishes at once", o.Dir, o.Dir)
	}
	return nil
}

// Publish gives the folder its name and removes the checkpoints. Nothing is
// removed before the name is known to be free.
func (o *Output) Publish() error {
	fail := func(err error) error {
		return fmt.Errorf("the model is complete in %s, but could not be moved into place: %w", o.ModelPath(), err)
	}
	if err := o.free(); err != nil {
		return fail(err)
	}
	if err := (&train.Checkpoints{Dir: o.Checkpoints()}).Remove(); err != nil {
		return fail(err)
	}
	for _, prefix := range []string{ModelFile, HistoryFile, ConfigFile, PicturesFile, TrackingFile} {
		if err := files.RemoveLeftovers(o.partial, prefix); err != nil {
			return fail(err)
		}
	}
	// The lock's file goes first, so that a kill at any moment leaves nothing
	// behind, but the lock is held until the folder has its name.
	if runtime.GOOS == "windows" { // where an open file cannot be removed
		o.Close()
	}
	if err := removeIfThere(filepath.Join(o.partial, lockFile)); err != nil {
		return fail(err)
	}
	if err := os.Rename(o.partial, o.Dir); err != nil && !o.published(err) {
		return fail(err)
	}
	o.Close()
	return nil
}

// published reports whether a rename failed because another process, which came
// in the last moment, has done it. Its lock's file may have come along.
func (o *Output) published(err error) bool {
	if !errors.Is(err, os.ErrNotExist) {
		return false
	}
	if _, err := os.Lstat(filepath.Join(o.Dir, ModelFile)); err != nil {
		return false
	}
	return removeIfThere(filepath.Join(o.Dir, lockFile)) == nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Rescue writes the model to a new folder for temporary files, when it can be
// written nowhere else, and returns its path.
func (o *Output) Rescue(c Config, l *train.Learner) (string, error) {
	dir, err := os.MkdirTemp("", "whippet-rescued-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, ModelFile)
	return path, SaveModel(path, c, l)
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
	_ = os.Remove(filepath.Join(o.partial, TrackingFile))
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
	return models.Save(path, l.Model, models.Info{Task: l.DLs.Task().Name(), Vocab: l.DLs.Vocab, Thresholds: l.Thresholds, Temperature: l.Temperature, Abstention: l.Abstention, Strangeness: l.Strangeness, Conformal: l.Conformal, Preprocess: c.Preprocess(), Training: notes})
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
