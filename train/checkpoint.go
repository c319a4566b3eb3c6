package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"time"

	"github.com/whippet-ml/whippet/internal/files"
)

// Checkpoints says where and how often a learner saves its whole state: weights,
// optimizer, place in the schedule, history, callbacks' memory. Random streams
// and the order of items need no saving, because they follow from the seed and
// the place.
//
// A checkpoint is one safetensors file, written to a temporary file, synced and
// renamed: whatever happens, the newest one in the folder is whole.
//
// A folder holds the checkpoints of one run. A learner that begins anew in a
// folder that has some refuses to: its caller resumes from them (LoadCheckpoint,
// Resume), or removes them (Remove), or takes another folder.
type Checkpoints struct {
	Dir   string        // created when missing
	Every time.Duration // besides every epoch; 0 means only every epoch
	Keep  int           // newest ones kept; 0 means 2

	// Extra is stored with every checkpoint and given back by LoadCheckpoint:
	// the settings of a run, for programs that rebuild it.
	Extra json.RawMessage

	// Failed, when set, is called when a checkpoint could not be written (disk
	// full), and training goes on if it returns nil; the next one is tried when
	// it is due. By default a failure ends the fit. It is not asked when the fit
	// ends anyway: that error wraps ErrNotSaved.
	Failed func(error) error

	last   time.Time
	number int    // of the newest checkpoint in the folder
	ready  bool   // number is known
	data   uint32 // identifies the items; see itemsSum
	saved  string // what the newest one that was written by this value is
}

// ErrNotSaved is wrapped by the error of a checkpoint that could not be
// written. The ones written before are untouched.
var ErrNotSaved = errors.New("the state of training could not be saved")

var checkpointFile = regexp.MustCompile(`^checkpoint-([0-9]{9,18})\.safetensors$`)

// listCheckpoints returns the paths of a folder's checkpoints and their
// numbers, newest first; none when there is no such folder.
func listCheckpoints(dir string) (paths []string, numbers []int, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("train: folder of checkpoints: %w", err)
	}
	for _, e := range entries {
		if m := checkpointFile.FindStringSubmatch(e.Name()); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				continue
			}
			numbers = append(numbers, n)
		}
	}
	sort.Sort(sort.Reverse(sort.IntSlice(numbers)))
	for _, n := range numbers {
		paths = append(paths, filepath.Join(dir, checkpointName(n)))
	}
	return paths, numbers, nil
}

// checkpointName is the file name of the n-th checkpoint of a folder, from 1.
func checkpointName(n int) string { return fmt.Sprintf("checkpoint-%09d.safetensors", n) }

// begin looks at the folder before a fit. resumed tells that the run is the one
// whose checkpoints lie there.
func (c *Checkpoints) begin(l *Learner, resumed bool) error {
	c.data = itemsSum(l.DLs)
	c.last = time.Now()
	if c.ready {
		return nil
	}
	_, numbers, err := listCheckpoints(c.Dir)
	if err != nil {
		return err
	}
	if len(numbers) > 0 {
		if !resumed {
			return fmt.Errorf("train: %s has the checkpoints of another run: resume that with LoadCheckpoint and Resume, remove them with Checkpoints.Remove, or use another folder", c.Dir)
		}
		c.number = numbers[0]
	}
	c.ready = true
	return nil
}

// Save writes a checkpoint now and removes the oldest ones beyond Keep. A model
// with values that are not finite is not saved: the error wraps ErrDiverged.
func (c *Checkpoints) Save(l *Learner) error {
	err := c.save(l)
	if err != nil && c.Failed != nil && errors.Is(err, ErrNotSaved) {
		return c.Failed(err)
	}
	return err
}

func (c *Checkpoints) save(l *Learner) error {
	defer func() { c.last = time.Now() }()
	if !c.ready {
		if err := c.begin(l, false); err != nil {
			return err
		}
	}
	if name := l.state.FirstNotFinite(); name != "" {
		return fmt.Errorf("train: %w: %s has values that are not, after step %d: the checkpoint before is kept; use a smaller learning rate", ErrDiverged, name, l.Step)
	}
	if err := c.write(l); err != nil {
		last := "there is none before it"
		if c.saved != "" {
			last = "the newest one is that of " + c.saved
		}
		return fmt.Errorf("train: %w: %w; %s", ErrNotSaved, err, last)
	}
	c.saved = fmt.Sprintf("step %d", l.Step)
	return nil
}

func (c *Checkpoints) write(l *Learner) error {
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return fmt.Errorf("folder %s: %w", c.Dir, err)
	}
	// A run that was killed while it saved has left a part of a checkpoint. It
	// goes first: the disk may have no room for it and the new one.
	if err := files.RemoveLeftovers(c.Dir, "checkpoint-"); err != nil {
		return fmt.Errorf("removing parts of old checkpoints: %w", err)
	}
	path := filepath.Join(c.Dir, checkpointName(c.number+1))
	err := l.saveState(path, c)
	if files.DiskFull(err) {
		// Better one checkpoint that is new than several that are old.
		if removed, e := c.prune(1); e == nil && removed > 0 {
			err = l.saveState(path, c)
		}
	}
	if err != nil {
		return err
	}
	c.number++
	keep := c.Keep
	if keep < 1 {
		keep = 2
	}
	_, err = c.prune(keep)
	return err
}

// prune removes all but the newest keep checkpoints.
func (c *Checkpoints) prune(keep int) (removed int, err error) {
	all, _, err := listCheckpoints(c.Dir)
	if err != nil {
		return 0, err
	}
	for i, p := range all {
		if i < keep {
			continue
		}
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return removed, fmt.Errorf("removing an old checkpoint: %w", err)
		}
		removed++
	}
	return removed, nil
}

// dropSpoilt removes the newest checkpoint after a loss that is not finite, when
// it is the very state that gave that loss and there is one before it: whatever
// the learning rate, nothing can go on from there.
func (c *Checkpoints) dropSpoilt(l *Learner) error {
	all, _, err := listCheckpoints(c.Dir)
	if err != nil || len(all) < 2 {
		return err
	}
	newest, err := readCheckpoint(all[0])
	if err != nil || newest.Step() != l.Step {
		return nil // a damaged one is passed over when it is loaded
	}
	if err := os.Remove(all[0]); err != nil {
		return fmt.Errorf("removing the checkpoint of that state: %w", err)
	}
	return nil
}

// due saves when Every has passed since the last time.
func (c *Checkpoints) due(l *Learner) error {
	if c.Every <= 0 || time.Since(c.last) < c.Every {
		return nil
	}
	return c.Save(l)
}

// Remove deletes all checkpoints of the folder, and the folder when that
// leaves it empty: for when a run is complete.
func (c *Checkpoints) Remove() error {
	if _, err := c.prune(0); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := files.RemoveLeftovers(c.Dir, "checkpoint-"); err != nil {
		return fmt.Errorf("train: removing parts of old checkpoints: %w", err)
	}
	_ = os.Remove(c.Dir) // not empty: it holds files of others, which stay
	c.ready, c.number = false, 0
	return nil
}
