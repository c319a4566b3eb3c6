package runs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/cmd/internal/run"
)

// Bounds of a search: folders below the one that was named, entries that are looked
// at, and runs.
const (
	maxDepth   = 8
	maxEntries = 1_000_000
	maxRuns    = 10_000
)

// Skipped is a folder that looks like a run's and could not be read.
type Skipped struct {
	Path string
	Err  error
}

// Find returns the runs of the folders that are named, and of the folders below
// them, in the order of their paths; each once. Symbolic links are followed for the
// names themselves only, and what is hidden is left out. What cannot be read is
// skipped below a name, and is an error where it was named.
func Find(ctx context.Context, names []string) ([]*Run, []Skipped, error) {
	s := search{ctx: ctx, seen: map[string]bool{}}
	for _, name := range names {
		if err := s.named(filepath.Clean(name)); err != nil {
			return nil, nil, err
		}
	}
	return s.found, s.skipped, nil
}

type search struct {
	ctx     context.Context
	found   []*Run
	skipped []Skipped
	seen    map[string]bool // folders, by their absolute names
	entries int
	met     int // runs that were come across, found before or not
}

// named takes a folder that a person named: a run's, one of an unfinished run, or one
// with runs below it.
func (s *search) named(name string) error {
	info, err := os.Stat(name)
	unfinished := name + run.PartialSuffix
	if errors.Is(err, fs.ErrNotExist) {
		if _, e := os.Stat(unfinished); e == nil {
			name = unfinished
			info, err = os.Stat(name)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such folder; whippet train writes its runs to the folder runs, or to --out", name)
	case err != nil:
		return fmt.Errorf("the folder of the run cannot be looked at: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s: this is a file; name the folder of a run, or one with runs below it", name)
	}
	before, skipped := s.met, len(s.skipped)
	r, err := read(name)
	if err != nil && !errors.Is(err, errNoRun) {
		return err
	}
	if err == nil {
		s.add(name, r)
	}
	if err := s.below(name, 1); err != nil {
		return err
	}
	if s.met == before && len(s.skipped) == skipped {
		return fmt.Errorf("%s: neither the folder nor one below it is a training run's, which has a %s", name, run.HistoryFile)
	}
	return nil
}

// below looks for runs in the folders of dir.
func (s *search) below(dir string, depth int) error {
	if depth > maxDepth {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		if depth == 1 {
			return err
		}
		s.skipped = append(s.skipped, Skipped{dir, err})
		return nil
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if s.entries++; s.entries > maxEntries {
			return fmt.Errorf("%s: more than %d files and folders were looked at: name the folders with runs", dir, maxEntries)
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		switch r, err := read(path); {
		case err == nil:
			s.add(path, r)
		case !errors.Is(err, errNoRun):
			s.skipped = append(s.skipped, Skipped{path, err})
		}
		if len(s.found) > maxRuns {
			return fmt.Errorf("%s: there are more than %d runs: name folders with fewer", dir, maxRuns)
		}
		if err := s.below(path, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// add takes a run that was not found before.
func (s *search) add(dir string, r *Run) {
	s.met++
	key := absolute(dir)
	if !s.seen[key] {
		s.seen[key] = true
		s.found = append(s.found, r)
	}
}

// absolute is the name by which a folder is known again, whichever way it was reached.
func absolute(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
