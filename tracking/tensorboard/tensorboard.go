// Package tensorboard writes the history of training as event files, which
// TensorBoard draws: the losses, the learning rates and the momentum of every step,
// the losses and metrics of every epoch, and the settings and the end of the run for
// the tab HPARAMS.
//
// Callback is one field and a line in a program:
//
//	board := &tensorboard.Callback{Dir: "boards/first"}
//	learner, err := finetune.NewLearner(ctx, dls, arch, weights, train.Callbacks(board))
//	…
//	err = board.Close(err)
//
// Then tensorboard --logdir boards shows it. The files are written without
// TensorFlow: records with checksums (TFRecord) of protobuf messages.
package tensorboard

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/whippet-ml/whippet/train"
)

// Tags of values. Everything stands at the number of training steps done by then.
const (
	stepPrefix  = "step/"
	epochPrefix = "epoch/"
	stepLoss    = stepPrefix + "loss"
)

// flushEvery is how often what was written goes to the file, besides after every epoch.
const flushEvery = 2 * time.Second

// Callback is a train.Callback that keeps an event file of a run. Of every step it
// writes step/loss, step/smooth_loss (the history's train_loss), step/lr of the last
// layer group, step/momentum, and step/lr/group_N of each group where there are
// several; of every epoch epoch/train_loss, epoch/valid_loss and epoch/METRIC. The
// values are those of the recorder, in single precision.
//
// A run that goes on from a checkpoint has each value once: at the beginning of a fit
// the file is written anew from the recorder, with the times that an earlier file of
// the folder has. A file ends with a whole record, or after a crash with a part of one,
// which TensorBoard passes over.
type Callback struct {
	// Dir is the folder of this run alone; its name is the run's in TensorBoard, which
	// is given the folder above it. It is made if it is not there. Event files that
	// Whippet wrote to it before are replaced.
	Dir string
	// Settings are shown in the tab HPARAMS, numbers as numbers; nil for none.
	Settings map[string]string
	// Failed, if it is set, is told when the file cannot be written; training goes on,
	// and the next epoch tries to write all of it. Without it, the error ends training.
	Failed func(error)

	file    *os.File
	broken  bool // what the file has is not known: it is written anew
	enc     encoder
	buf     []byte
	vs      []scalar
	groups  []string // tags of the layer groups' rates
	epochs  []string // tags of the values of an epoch
	steps   int      // of the recorder that are written
	rows    int
	flushed time.Time
}

// On implements train.Callback.
func (c *Callback) On(e train.Event, l *train.Learner) error {
	var err error
	switch e {
	case train.BeforeFit:
		if c.file == nil || c.broken || c.steps > len(l.Recorder.Steps) || c.rows > len(l.Recorder.Rows) {
			err = c.open(l.Recorder)
		}
	case train.AfterBatch:
		if c.file == nil || c.broken {
			return nil
		}
		c.follow(l.Recorder)
		if now := time.Now(); now.Sub(c.flushed) >= flushEvery {
			err = c.flush(now)
		}
	case train.AfterEpoch, train.AfterFit:
		if c.file == nil || c.broken {
			err = c.open(l.Recorder)
			break
		}
		c.follow(l.Recorder)
		err = c.flush(time.Now())
	}
	return c.failed(err)
}

// failed reports an error.
func (c *Callback) failed(err error) error {
	if err == nil {
		return nil
	}
	c.broken = true
	err = fmt.Errorf("tensorboard: the events could not be written to %s: %w", c.Dir, err)
	if c.Failed == nil {
		return err
	}
	c.Failed(err)
	return nil
}

// Close writes how the run ended, by the error of its fit, and closes the file. It
// returns fit if there is one, else what went wrong here and Failed was not told. A
// fit that is interrupted and will be continued needs no end; Close(train.ErrInterrupted)
// writes none.
func (c *Callback) Close(fit error) error {
	if c.file == nil {
		return fit
	}
	var err error
	if !c.broken {
		now := time.Now()
		if !interrupted(fit) {
			c.buf = c.enc.plugin(c.buf, seconds(now), tagSessionEnd, hparamsPlugin, sessionEnded(fit == nil, seconds(now)))
		}
		if err = c.flush(now); err == nil {
			err = c.file.Sync()
		}
	}
	if e := c.file.Close(); err == nil && !c.broken {
		err = e
	}
	c.file = nil
	err = c.failed(err)
	if fit != nil {
		return fit
	}
	return err
}

// open writes a new file with all that the recorder has, in place of earlier ones.
func (c *Callback) open(r *train.Recorder) error {
	if c.file != nil {
		_ = c.file.Close() // it is replaced
		c.file = nil
	}
	old, err := Find(c.Dir)
	if err != nil {
		return err
	}
	var was times
	if len(old) > 0 && len(r.Steps) > 0 {
		if was, err = readTimes(old[len(old)-1], len(r.Steps), len(r.Rows)); err != nil {
			return err
		}
	}
	now := time.Now()
	c.prepare(r)
	c.begin(seconds(now), was)
	c.steps, c.rows = 0, 0
	c.write(r, was, seconds(now))
	if c.file, err = create(c.Dir, now.Unix(), old, c.buf); err != nil {
		return err
	}
	c.buf, c.flushed, c.broken = c.buf[:0], now, false
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the tags.
func (c *Callback) prepare(r *train.Recorder) {
	c.epochs = []string{epochPrefix + "train_loss", epochPrefix + "valid_loss"}
	for _, m := range r.MetricNames {
		c.epochs = append(c.epochs, epochPrefix+m)
	}
	c.groups = nil
}

// begin writes what stands before the values.
func (c *Callback) begin(wall float64, was times) {
	if len(was.steps) > 0 && was.steps[0] > 0 {
		wall = was.steps[0]
	}
	c.buf = c.enc.begin(c.buf[:0], wall)
	if c.Settings != nil {
		c.buf = c.enc.plugin(c.buf, wall, tagExperiment, hparamsPlugin, experiment(c.Settings, c.epochs))
		c.buf = c.enc.plugin(c.buf, wall, tagSessionStart, hparamsPlugin, sessionStarted(c.Settings, wall))
	}
}

// follow writes what the recorder has and the file has not.
func (c *Callback) follow(r *train.Recorder) {
	if c.steps < len(r.Steps) || c.rows < len(r.Rows) {
		c.write(r, times{}, seconds(time.Now()))
	}
}

// write writes the steps and epochs that are not written yet, in the order in which
// they were, each at its time, or at that of the one before it where it is not known;
// now is that of the last ones.
func (c *Callback) write(r *train.Recorder, was times, now float64) {
	wall := 0.0
	if len(was.steps) == 0 {
		wall = now
	}
	for {
		row := c.rows < len(r.Rows) && (c.steps >= len(r.Steps) || r.Rows[c.rows].Step <= c.steps)
		switch {
		case row:
			wall = at(was.epochs, c.rows, wall, now)
			c.epoch(r.Rows[c.rows], wall)
			c.rows++
		case c.steps < len(r.Steps):
			wall = at(was.steps, c.steps, wall, now)
			c.step(r.Steps[c.steps], wall)
			c.steps++
		default:
			return
		}
	}
}

// at is the time of the i-th of the known ones, or the one before, or now.
func at(known []float64, i int, before, now float64) float64 {
	switch {
	case i < len(known) && known[i] > 0:
		return known[i]
	case before > 0:
		return before
	}
	return now
}

// step writes a training step, the one after c.steps.
func (c *Callback) step(s train.StepRecord, wall float64) {
	c.vs = append(c.vs[:0], scalar{stepLoss, s.Loss}, scalar{stepPrefix + "smooth_loss", s.Smooth})
	if n := len(s.LR); n > 0 {
		c.vs = append(c.vs, scalar{stepPrefix + "lr", s.LR[n-1]}, scalar{stepPrefix + "momentum", s.Mom[n-1]})
		for g := 0; n > 1 && g < n; g++ {
			if g == len(c.groups) {
				c.groups = append(c.groups, fmt.Sprintf("%slr/group_%d", stepPrefix, g))
			}
			c.vs = append(c.vs, scalar{c.groups[g], s.LR[g]})
		}
	}
	c.buf = c.enc.scalars(c.buf, wall, int64(c.steps+1), c.vs)
}

// epoch writes an epoch. What was not measured is left out.
func (c *Callback) epoch(r train.Row, wall float64) {
	c.vs = c.vs[:0]
	for i, tag := range c.epochs {
		var v float64
		switch {
		case i == 0:
			v = r.TrainLoss
		case i == 1:
			v = r.ValidLoss
		case i-2 < len(r.Metrics):
			v = r.Metrics[i-2]
		default:
			continue
		}
		if i > 0 && math.IsNaN(v) {
			continue
		}
		c.vs = append(c.vs, scalar{tag, v})
	}
	c.buf = c.enc.scalars(c.buf, wall, int64(r.Step), c.vs)
}

// flush gives what was written to the file.
func (c *Callback) flush(now time.Time) error {
	c.flushed = now
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.file.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// interrupted reports whether a fit ended in such a way that it can go on.
func interrupted(err error) bool { return errors.Is(err, train.ErrInterrupted) }
