// Package mlflow sends the history of training to an MLflow server by its REST API:
// the settings as params, losses and learning rates of every step and losses and metrics
// of every epoch as metrics, how training ended, and the model's file as an artifact.
//
//	ml := &mlflow.Callback{URL: "http://localhost:5000", RunName: "first"}
//	learner, err := finetune.NewLearner(ctx, dls, arch, weights, train.Callbacks(ml))
//	…
//	err = ml.Close(err)
//
// Training never waits for the server: a goroutine sends what has come together, and
// tries again for as long as the server is away.
package mlflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whippet-ml/whippet/train"
)

// DefaultPatience is what Callback.Patience means when it is 0.
const DefaultPatience = 10 * time.Second

// Callback is a train.Callback that sends a run's history to an MLflow server. Who asks
// is read from the environment, as MLflow's own client does: MLFLOW_TRACKING_USERNAME and
// MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.
type Callback struct {
	// URL is the server's address, http://HOST:PORT; "" means MLFLOW_TRACKING_URI.
	URL string
	// Experiment is the name of the experiment, which is made if it is not there; ""
	// means MLFLOW_EXPERIMENT_NAME, or else Default.
	Experiment string
	// RunName is what the run is called; "" lets the server choose.
	RunName string
	// RunID is the run to go on with, "" for a new one. What the server has of it is not
	// sent again.
	RunID string
	// Changed says that the run goes on in another way than it went before, with another
	// learning rate for instance: what the server has of steps that are done again is
	// sent again.
	Changed bool
	// Params are the settings of a new run.
	Params map[string]string
	// Created, if it is set, is told the id of the run when the server has made it, on
	// another goroutine.
	Created func(runID string)
	// Note, if it is set, is told once that the server cannot be reached, on another
	// goroutine.
	Note func(text string)
	// Patience is how long Close waits for the server, 0 for DefaultPatience, and a second
	// at most for one that has never answered. Files take
	// as long as they take, up to ten minutes.
	Patience time.Duration
	// Artifacts are files that Close sends when training has succeeded.
	Artifacts []string

	c        *client
	steps    int // of the recorder that are queued
	rows     int
	restored int           // steps that the recorder had at first
	stop     chan struct{} // closed when nothing more will come
	done     chan struct{} // closed when the goroutine has ended
	cancel   context.CancelFunc
	end      string // status at the end

	gone  atomic.Bool // the server refused: nothing more is queued
	lost  int         // values that were not queued any more
	mu    sync.Mutex
	queue []metric
	last  error // of the newest attempt
}

// Check returns an error if the server's address cannot be one. It asks nobody.
func (c *Callback) Check() error {
	address := cmp.Or(c.URL, os.Getenv("MLFLOW_TRACKING_URI"))
	if address == "" {
		return errors.New("mlflow: there is no server's address: give one, or set MLFLOW_TRACKING_URI")
	}
	var err error
	c.c, err = newClient(address)
	return err
}

// Server is the address of the server, after Check.
func (c *Callback) Server() string { return c.c.base }

// On implements train.Callback. Its only error is Check's, before the first fit.
func (c *Callback) On(e train.Event, l *train.Learner) error {
	switch e {
	case train.BeforeFit:
		if c.stop == nil {
			if err := c.Check(); err != nil {
				return err
			}
			c.begin(len(l.Recorder.Steps))
		}
		c.follow(l.Recorder)
	case train.AfterBatch, train.AfterEpoch, train.AfterFit:
		if c.stop != nil {
			c.follow(l.Recorder)
		}
	}
	return nil
}

// begin starts the goroutine that sends.
func (c *Callback) begin(restored int) {
	c.restored = restored
	c.stop, c.done = make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	go (&sender{Callback: c}).run(ctx)
}

// follow queues what the recorder has and the queue had not.
func (c *Callback) follow(r *train.Recorder) {
	if c.steps == len(r.Steps) && c.rows == len(r.Rows) {
		return
	}
	now := time.Now().UnixMilli()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.rows < len(r.Rows) && (c.steps >= len(r.Steps) || r.Rows[c.rows].Step <= c.steps):
			row := r.Rows[c.rows]
			c.rows++
			c.add("train_loss", row.TrainLoss, now, row.Step)
			c.add("valid_loss", row.ValidLoss, now, row.Step)
			for i, v := range row.Metrics {
				if i < len(r.MetricNames) {
					c.add(r.MetricNames[i], v, now, row.Step)
				}
			}
			c.add(epochKey, float64(c.rows), now, row.Step) // the last: with it, all of the epoch is there
		case c.steps < len(r.Steps):
			s := r.Steps[c.steps]
			c.steps++
			c.add("step/smooth_loss", s.Smooth, now, c.steps)
			if n := len(s.LR); n > 0 {
				c.add("step/lr", s.LR[n-1], now, c.steps)
			}
			c.add(stepKey, s.Loss, now, c.steps)
		default:
			return
		}
	}
}

// Keys whose newest step says how far the server has the history.
const (
	stepKey  = "step/loss"
	epochKey = "epoch"
)

// add queues a value. JSON has no NaN and no infinity: they are left out.
func (c *Callback) add(key string, v float64, at int64, step int) {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
	case c.gone.Load():
		c.lost++
	default:
		c.queue = append(c.queue, metric{key, v, at, step})
	}
}

// ErrNotSent says that the server does not have all of a run's history.
var ErrNotSent = errors.New("not all was sent to MLflow")

// Close tells the server how training ended, by the error of its fit, and sends what is
// left, and the artifacts if training succeeded. It returns fit if there is one, else
// ErrNotSent with what was not sent and why.
func (c *Callback) Close(fit error) error {
	if c.stop == nil {
		return fit
	}
	switch {
	case fit == nil:
		c.end = "FINISHED"
	case errors.Is(fit, train.ErrInterrupted):
		c.end = "KILLED"
	default:
		c.end = "FAILED"
	}
	close(c.stop)
	<-c.done
	c.cancel()
	c.stop = nil
	if fit != nil || c.last == nil {
		return fit
	}
	if n := len(c.queue) + c.lost; n > 0 {
		return fmt.Errorf("%w at %s: %d values are missing there: %w", ErrNotSent, c.c.base, n, c.last)
	}
	return fmt.Errorf("%w at %s: %w", ErrNotSent, c.c.base, c.last)
}
