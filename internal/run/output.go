package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/internal/atomicfile"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/train"
)

// Names of the files in a run's output folder.
const (
	ConfigFile  = "config.json"
	HistoryFile = "history.csv"
	ModelFile   = "model.safetensors"
)

// partialSuffix marks the folder of a run that is not complete: its settings
// and checkpoints. The output folder itself appears when all is written.
const partialSuffix = ".partial"

// Output is where a run's results go.
type Output struct {
	Dir     string
	partial string
}

// NewOutput checks that dir can become the run's output folder and creates the
// partial one beside it, with the settings. A folder that exists is an error,
// and so is one of an interrupted run: it may be resumed.
func NewOutput(dir string, c Config) (*Output, error) {
	o := &Output{Dir: filepath.Clean(dir), partial: filepath.Clean(dir) + partialSuffix}
	if _, err := os.Lstat(o.Dir); err == nil {
		return nil, fmt.Errorf("--out %s: it exists already: choose another folder, or remove it", dir)
	}
	if _, err := os.Lstat(o.partial); err == nil {
		return nil, fmt.Errorf("--out %s: there is an interrupted run in %s: continue it with --resume %s, or remove it", dir, o.partial, dir)
	}
	if err := os.MkdirAll(o.partial, 0o777); err != nil {
		return nil, fmt.Errorf("--out %s: %w", dir, err)
	}
	if err := writeJSON(filepath.Join(o.partial, ConfigFile), c); err != nil {
		return nil, fmt.Errorf("--out %s: %w", dir, err)
	}
	return o, nil
}

// OpenOutput finds the interrupted run of an output folder and its settings.
func OpenOutput(dir string) (*Output, Config, error) {
	o := &Output{Dir: filepath.Clean(dir), partial: filepath.Clean(dir) + partialSuffix}
	if filepath.Ext(o.Dir) == partialSuffix { // the partial folder itself was named
		o.partial, o.Dir = o.Dir, o.Dir[:len(o.Dir)-len(partialSuffix)]
	}
	c, err := ReadConfig(filepath.Join(o.partial, ConfigFile))
	if errors.Is(err, os.ErrNotExist) {
		if isDir(o.Dir) {
			return nil, c, fmt.Errorf("--resume %s: this run is complete: there is nothing to resume", dir)
		}
		return nil, c, fmt.Errorf("--resume %s: there is no interrupted run (%s)", dir, o.partial)
	}
	if err != nil {
		return nil, c, fmt.Errorf("--resume %s: %w", dir, err)
	}
	return o, c, nil
}

// Checkpoints returns the folder of the run's checkpoints.
func (o *Output) Checkpoints() string { return filepath.Join(o.partial, "checkpoints") }

// Finish writes history and model and makes the output folder appear.
func (o *Output) Finish(c Config, l *train.Learner) error {
	fail := func(err error) error {
		return fmt.Errorf("writing the results: %w; nothing is lost: resume with --resume %s when the cause is gone", err, o.Dir)
	}
	if err := l.Recorder.SaveCSV(filepath.Join(o.partial, HistoryFile)); err != nil {
		return fail(err)
	}
	if err := SaveModel(filepath.Join(o.partial, ModelFile), c, l); err != nil {
		return fail(err)
	}
	if err := os.RemoveAll(o.Checkpoints()); err != nil {
		return fail(err)
	}
	if err := os.Rename(o.partial, o.Dir); err != nil {
		return fail(err)
	}
	return nil
}

// Discard removes the partial folder of a run that never got to a checkpoint.
func (o *Output) Discard() {
	if !isDir(o.Checkpoints()) {
		_ = os.Remove(filepath.Join(o.partial, ConfigFile))
		_ = os.Remove(o.partial) // only when empty
	}
}

// SaveModel writes the learner's model as one file with everything that is
// needed to classify pictures.
func SaveModel(path string, c Config, l *train.Learner) error {
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
	return atomicfile.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}
