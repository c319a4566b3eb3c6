package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/internal/files"
)

// TrackingFile is the file of a run's folder that says where else its history goes. It is
// no setting: it has no part in the result.
const TrackingFile = "tracking.json"

// Tracking says where a run's history goes besides its folder.
type Tracking struct {
	TensorBoard string `json:"tensorboard,omitempty"` // folder of the run's event files, an absolute name
	MLflow      MLflow `json:"mlflow,omitzero"`
}

// MLflow is a run on an MLflow server.
type MLflow struct {
	URL        string `json:"url"` // without who asks
	Experiment string `json:"experiment,omitempty"`
	Run        string `json:"run,omitempty"` // its id, once the server has made it
}

// Tracking returns where the history of the run that is under way goes: nowhere, when
// nothing was noted.
func (o *Output) Tracking() (Tracking, error) {
	return readTracking(filepath.Join(o.partial, TrackingFile))
}

func readTracking(path string) (Tracking, error) {
	var t Tracking
	f, size, err := files.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	defer f.Close()
	if size > maxConfig {
		return t, fmt.Errorf("%s has %d bytes; no run's has more than %d", path, size, maxConfig)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// SetTracking notes where the history goes.
func (o *Output) SetTracking(t Tracking) error {
	path := filepath.Join(o.partial, TrackingFile)
	if isDir(o.Dir) && !isDir(o.partial) { // the run is complete by now
		path = filepath.Join(o.Dir, TrackingFile)
	}
	return t.write(path)
}

func (t Tracking) write(path string) error {
	if t == (Tracking{}) {
		return removeIfThere(path)
	}
	if err := writeJSON(path, t); err != nil {
		return fmt.Errorf("noting where the history goes: %w", err)
	}
	return nil
}

// FoldsTracking returns where the histories of the folds in dir go: the folder of all their event files, and the
// server.
func FoldsTracking(dir string) (Tracking, error) {
	return readTracking(filepath.Join(dir, TrackingFile))
}

// SetFoldsTracking notes where the histories of the folds in dir go.
func SetFoldsTracking(dir string, t Tracking) error { return t.write(filepath.Join(dir, TrackingFile)) }

// TrackedName is what a run is called elsewhere: the name of its folder, and of a fold that of all folds before it.
func TrackedName(dir string) string {
	dir = filepath.Clean(dir)
	if parent := filepath.Dir(dir); isFile(filepath.Join(parent, FoldsFile)) {
		if abs, err := filepath.Abs(parent); err == nil {
			return filepath.Base(abs) + "/" + filepath.Base(dir)
		}
	}
	return filepath.Base(dir)
}
