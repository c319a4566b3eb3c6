package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"

	"github.com/whippet-ml/whippet/internal/files"
)

// ErrNone means that a folder has no checkpoint.
var ErrNone = errors.New("no checkpoint")

// Folder holds the checkpoints of one run. It need not exist before the first
// Write.
type Folder struct {
	Dir  string
	Keep int // newest checkpoints that Write leaves; 0 means DefaultKeep
}

// DefaultKeep is what a Keep of 0 means.
const DefaultKeep = 2

// withDefaults puts the default in place of a Keep below 1.
func (d Folder) withDefaults() Folder {
	d.Keep = cmp.Or(max(d.Keep, 0), DefaultKeep)
	return d
}

// prefix begins the name of a checkpoint's file and of its temporary files.
const prefix = "checkpoint-"

var fileName = regexp.MustCompile(`^` + prefix + `([0-9]{9,18})\.safetensors$`)

// path is where the n-th checkpoint lies, from 1.
func (d Folder) path(n int) string {
	return filepath.Join(d.Dir, fmt.Sprintf(prefix+"%09d.safetensors", n))
}

// numbers returns the numbers of the folder's checkpoints, newest first.
func (d Folder) numbers() ([]int, error) {
	entries, err := os.ReadDir(d.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: folder: %w", err)
	}
	var all []int
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				all = append(all, n)
			}
		}
	}
	sort.Sort(sort.Reverse(sort.IntSlice(all)))
	return all, nil
}

// Paths returns the files of the folder's checkpoints, newest first; none when
// there is no such folder.
func (d Folder) Paths() ([]string, error) {
	numbers, err := d.numbers()
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(numbers))
	for i, n := range numbers {
		paths[i] = d.path(n)
	}
	return paths, nil
}

// Newest reads the newest whole checkpoint. Newer ones that are damaged are
// passed over: skipped has what is wrong with each. The error wraps ErrNone when
// there are no checkpoints, ErrDamaged when there are, but none is whole. A whole
// one of another version of the format is an error: it is no older state that
// one would want to go on from instead.
func (d Folder) Newest() (c *File, skipped []error, err error) {
	paths, err := d.Paths()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range paths {
		c, err := Read(p)
		if err == nil {
			return c, skipped, nil
		}
		if !errors.Is(err, ErrDamaged) {
			return nil, nil, err
		}
		skipped = append(skipped, err)
	}
	if len(skipped) > 0 {
		return nil, nil, fmt.Errorf("checkpoint: all %d checkpoints in %s are damaged: %w", len(skipped), d.Dir, errors.Join(skipped...))
	}
	return nil, nil, fmt.Errorf("checkpoint: %w in %s", ErrNone, d.Dir)
}

// Write adds c as the newest checkpoint and removes the oldest ones beyond Keep.
// On a full disk the older ones make room. When it fails, at least the newest
// one of before is untouched.
func (d Folder) Write(c *File) error {
	if err := os.MkdirAll(d.Dir, 0o777); err != nil {
		return fmt.Errorf("folder %s: %w", d.Dir, err)
	}
	// A run that was killed while it saved has left a part of a checkpoint. It
	// goes first: the disk may have no room for it and the new one.
	if err := d.removeParts(); err != nil {
		return err
	}
	numbers, err := d.numbers()
	if err != nil {
		return err
	}
	next := 1
	if len(numbers) > 0 {
		next += numbers[0]
	}
	err = c.write(d.path(next))
	if files.DiskFull(err) {
		if removed, e := d.MakeRoom(); e == nil && removed > 0 {
			err = c.write(d.path(next))
		}
	}
	if err != nil {
		return err
	}
	_, err = d.prune(d.withDefaults().Keep)
	return err
}

// MakeRoom removes all but the newest checkpoint, for a disk that is full, and
// says how many: better one that is new than several that are old.
func (d Folder) MakeRoom() (removed int, err error) { return d.prune(1) }

// prune removes all but the newest keep checkpoints.
func (d Folder) prune(keep int) (removed int, err error) {
	paths, err := d.Paths()
	if err != nil || len(paths) <= keep {
		return 0, err
	}
	for _, p := range paths[keep:] {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return removed, fmt.Errorf("removing an old checkpoint: %w", err)
		}
		removed++
	}
	return removed, nil
}

func (d Folder) removeParts() error {
	if err := files.RemoveLeftovers(d.Dir, prefix); err != nil {
		return fmt.Errorf("removing parts of old checkpoints: %w", err)
	}
	return nil
}

// Remove deletes all checkpoints of the folder, and the folder when that leaves
// it empty: for when a run is complete.
func (d Folder) Remove() error {
	if _, err := d.prune(0); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := d.removeParts(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	_ = os.Remove(d.Dir) // not empty: it holds files of others, which stay
	return nil
}
