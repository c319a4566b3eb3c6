package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/whippet-ml/whippet/train/checkpoint"
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
	Keep  int           // newest ones kept; 0 means checkpoint.DefaultKeep

	// Extra is stored with every checkpoint and given back by LoadCheckpoint:
	// the settings of a run, for programs that rebuild it.
	Extra json.RawMessage

	// Failed, when set, is called when a checkpoint could not be written (disk
	// full), and training goes on if it returns nil; the next one is tried when
	// it is due. By default a failure ends the fit. It is not asked when the fit
	// ends anyway: that error wraps ErrNotSaved.
	Failed func(error) error

	last  time.Time
	ready bool   // the folder was looked at
	data  uint32 // identifies the items; see itemsSum
	saved string // what the newest one that was written by this value is
}

// folder is where the checkpoints lie.
func (c *Checkpoints) folder() checkpoint.Folder { return checkpoint.Folder{Dir: c.Dir, Keep: c.Keep} }

// ErrNotSaved is wrapped by the error of a checkpoint that could not be
// written. The ones written before are untouched.
var ErrNotSaved = errors.New("the state of training could not be saved")

// begin looks at the folder before a fit. resumed tells that the run is the one
// whose checkpoints lie there.
func (c *Checkpoints) begin(l *Learner, resumed bool) error {
	c.data = itemsSum(l.DLs)
	c.last = time.Now()
	if c.ready {
		return nil
	}
	paths, err := c.folder().Paths()
	if err != nil {
		return err
	}
	if len(paths) > 0 && !resumed {
		return fmt.Errorf("train: %s has the checkpoints of another run: resume that with LoadCheckpoint and Resume, remove them with Checkpoints.Remove, or use another folder", c.Dir)
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
	if l.average != nil && l.average.shown { // what training goes on from is saved, and the average besides
		l.average.show(l.state, false)
		defer l.average.show(l.state, true)
	}
	f, err := l.saveState(c)
	if err != nil {
		return err
	}
	return c.folder().Write(f)
}

// removeDiverged removes the newest checkpoint after a loss that is not finite,
// when it is the very state that gave that loss and there is one before it:
// whatever the learning rate, nothing can go on from there.
func (c *Checkpoints) removeDiverged(l *Learner) error {
	paths, err := c.folder().Paths()
	if err != nil || len(paths) < 2 {
		return err
	}
	newest, err := readCheckpoint(paths[0])
	if err != nil || newest.Step() != l.Step {
		return nil // a damaged one is passed over when it is loaded
	}
	if err := os.Remove(paths[0]); err != nil {
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
	c.ready = false
	return c.folder().Remove()
}
