package tensorboard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/whippet-ml/whippet/internal/files"
)

// ours are the names of Whippet's event files; TensorBoard reads those of a folder in
// the order of their names, which begin with the second in which they were made.
var ours = regexp.MustCompile(`^events\.out\.tfevents\.([0-9]{10,12})\.whippet$`)

// maxFile bounds an event file that is read to go on with it.
const maxFile = 4 << 30

// Find returns the event files that Whippet wrote to a folder, the oldest first. A
// folder that is not there has none.
func Find(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	var out []string
	for _, e := range entries {
		if ours.MatchString(e.Name()) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(out)
	return out, nil
}

// times are when the events of an earlier part of a run happened: seconds since 1970,
// 0 for what is not known.
type times struct {
	steps  []float64 // of each training step
	epochs []float64 // of each epoch
}

// readTimes reads the times of the first steps and epochs from an event file, up to the
// end or the first record that is not whole.
func readTimes(path string, steps, epochs int) (times, error) {
	t := times{steps: make([]float64, steps)}
	f, size, err := files.Open(path)
	if err != nil {
		return t, fmt.Errorf("tensorboard: %w", err)
	}
	defer f.Close()
	if size > maxFile {
		return t, fmt.Errorf("tensorboard: %s has %d bytes, more than %d: move it away", path, size, int64(maxFile))
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return t, fmt.Errorf("tensorboard: %s: %w", path, err)
	}
	for content, rest, ok := nextRecord(b); ok; content, rest, ok = nextRecord(rest) {
		switch wall, step, tag := readEvent(content); {
		case tag == stepLoss && step >= 1 && step <= int64(steps):
			t.steps[step-1] = wall
		case tag == epochPrefix+"train_loss" && len(t.epochs) < epochs:
			t.epochs = append(t.epochs, wall)
		}
	}
	return t, nil
}

// create makes a new event file in a folder, after all that are there, with what it
// begins with, and opens it to be written on.
func create(dir string, now int64, old []string, content []byte) (*os.File, error) {
	for _, path := range old {
		if m := ours.FindStringSubmatch(filepath.Base(path)); m != nil {
			if at, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				now = max(now, at+1)
			}
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%d.whippet", now))
	err := files.WriteFile(path, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(content))
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
}
