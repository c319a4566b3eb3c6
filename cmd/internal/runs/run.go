// Package runs finds the training runs below a folder and compares them: where each
// stands, what it came to, and in which settings they differ. It reads what every
// run's folder has, config.json and history.csv, and changes nothing.
package runs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/internal/files"
)

// State says where a run stands.
type State string

// The states of a run.
const (
	Done        State = "done"
	Running     State = "running"
	Interrupted State = "interrupted" // whippet train --resume goes on with it
)

// Run is a training run, as its folder tells.
type Run struct {
	// Path is the folder, reached as it was looked for. That of a run which is not
	// finished is without the ending .partial, as --resume takes it.
	Path  string
	State State
	Began time.Time // when the settings were written
	// Settings are those of config.json by name. A name that the run's settings
	// leave out is absent.
	Settings map[string]string
	// Raw is config.json; nil where there is none.
	Raw     json.RawMessage
	History History
}

// maxConfig bounds the bytes of a run's settings; they have hundreds.
const maxConfig = 1 << 20

// errNoRun says that a folder is no run's.
var errNoRun = errors.New("no run")

// read returns the run of a folder. The error is errNoRun for a folder that has no
// history and no settings of a run.
func read(dir string) (*Run, error) {
	r := &Run{Path: strings.TrimSuffix(dir, run.PartialSuffix), State: Done, Settings: map[string]string{}}
	history, err := readFile(filepath.Join(dir, run.HistoryFile), maxHistory)
	if errors.Is(err, fs.ErrNotExist) {
		history, err = nil, nil // none yet
	}
	if err != nil {
		return nil, err
	}
	raw, err := readFile(filepath.Join(dir, run.ConfigFile), maxConfig)
	switch {
	case errors.Is(err, fs.ErrNotExist) && history == nil:
		return nil, errNoRun
	case errors.Is(err, fs.ErrNotExist): // another program's, with a history alone
		raw = nil
	case err != nil:
		return nil, err
	case history == nil && !partial(dir):
		return nil, errNoRun // many things have a config.json
	}
	if history != nil {
		if r.History, err = readHistory(history); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, run.HistoryFile), err)
		}
	}
	if raw != nil {
		if r.Settings, err = Settings(raw); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, run.ConfigFile), err)
		}
		r.Raw = raw
	}
	if partial(dir) {
		if r.State = Interrupted; run.Busy(dir) {
			r.State = Running
		}
	}
	r.Began = began(dir)
	return r, nil
}

func partial(dir string) bool { return strings.HasSuffix(dir, run.PartialSuffix) }

// began is when the settings of a run were written, or its history, where it has none.
func began(dir string) time.Time {
	for _, name := range []string{run.ConfigFile, run.HistoryFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return info.ModTime()
		}
	}
	return time.Time{}
}

// readFile reads a whole file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, size, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes, and no run's file has more than %d", path, size, limit)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// Planned is how many epochs the run's settings ask for, frozen ones included, 0
// where they do not say.
func (r *Run) Planned() int {
	epochs, err := strconv.Atoi(r.Settings["epochs"])
	if err != nil {
		return 0
	}
	frozen, _ := strconv.Atoi(r.Settings["freeze-epochs"])
	return epochs + frozen
}

// Kept is the epoch, from 0, whose weights the run's model has: the last one, or the
// best of a run that keeps the best. It is -1 before the first has ended.
func (r *Run) Kept() int {
	last := len(r.History.Rows) - 1
	if r.Settings["save-best"] != "true" {
		return last
	}
	if best, _ := r.Best(cmp.Or(r.Settings["monitor"], "valid_loss")); best >= 0 {
		return best
	}
	return last
}

// Value is what a column of the history has in the kept epoch, NaN if nothing.
func (r *Run) Value(column string) float64 { return r.at(r.Kept(), column) }

// at is what a column has in an epoch.
func (r *Run) at(epoch int, column string) float64 {
	if c := r.History.column(column); c >= 0 && epoch >= 0 {
		return r.History.Rows[epoch][c]
	}
	return math.NaN()
}

// Best returns the epoch, from 0, with the best value of a column, the first of
// equals, and that value; -1 and NaN if there is none.
func (r *Run) Best(column string) (epoch int, value float64) {
	epoch, value = -1, math.NaN()
	c := r.History.column(column)
	if c < 0 {
		return epoch, value
	}
	for i, row := range r.History.Rows {
		if v := row[c]; !math.IsNaN(v) && (epoch < 0 || Better(column, v, value)) {
			epoch, value = i, v
		}
	}
	return epoch, value
}

// Curve is a column of the history, NaN where an epoch has no value; nil where no
// epoch has one.
func (r *Run) Curve(column string) []float64 {
	c := r.History.column(column)
	if c < 0 {
		return nil
	}
	var out []float64
	known := false
	for _, row := range r.History.Rows {
		out = append(out, row[c])
		known = known || !math.IsNaN(row[c])
	}
	if !known {
		return nil
	}
	return out
}
