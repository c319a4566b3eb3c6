package mlflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Bounds of a request, as MLflow's documentation of log-batch has them.
const (
	maxMetrics = 1000
	maxParams  = 100
	maxValue   = 500 // characters of a param, which every version takes
)

// Times of the goroutine that sends: how often it does, and how long it waits after a
// failure, at first and at most.
var (
	sendEvery  = 2 * time.Second
	firstDelay = time.Second
	maxDelay   = time.Minute
)

// neverSeen is how long the end waits for a server that has never answered.
const neverSeen = time.Second

// metric is a value as log-batch takes it; Timestamp is in milliseconds since 1970.
type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int     `json:"step"`
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// runInfo is what the server says about a run.
type runInfo struct {
	Run struct {
		Info struct {
			RunID       string `json:"run_id"`
			ArtifactURI string `json:"artifact_uri"`
		}
		Data struct{ Metrics []metric }
	}
}

// sender is what the goroutine that sends has done so far.
type sender struct {
	*Callback
	opened   bool // the run is there
	params   []pair
	uri      string // of the artifacts
	told     bool   // Note was
	steps0   int    // up to which the server has steps, and
	epochs0  int    // epochs
	kept     error  // of a file that was refused
	deadline context.Context
}

// run sends until there is nothing more to come and all is sent, or Close has waited
// for long enough, or the server refuses.
func (s *sender) run(ctx context.Context) {
	defer close(s.done)
	delay := firstDelay
	for {
		closing := s.wait(delay)
		at := ctx
		if closing {
			if s.deadline == nil {
				patience := cmp.Or(max(s.Patience, 0), DefaultPatience)
				if s.told && !s.opened { // it was never there
					patience = min(patience, neverSeen)
				}
				var cancel context.CancelFunc
				s.deadline, cancel = context.WithTimeout(ctx, patience)
				defer cancel()
			}
			at = s.deadline
		}
		err := s.send(at)
		if err == nil && closing {
			err = s.finish(ctx, at)
		}
		s.mu.Lock()
		if s.last == nil || !errors.Is(err, context.DeadlineExceeded) { // the cause says more than that time is up
			s.last = err
		}
		s.mu.Unlock()
		var no *refused
		switch {
		case err == nil && closing:
			return
		case err == nil:
			delay = sendEvery
			continue
		case errors.As(err, &no):
			s.gone.Store(true)
			if !closing {
				s.note("MLflow at %s: %v; nothing more is sent there", s.c.base, err)
			}
			<-s.stop
			return
		case closing && s.deadline.Err() != nil:
			return
		}
		s.note("MLflow at %s cannot be reached: %v; training goes on, and sending is tried again", s.c.base, err)
		delay = min(max(2*delay, firstDelay), maxDelay)
	}
}

// note tells once that something is wrong.
func (s *sender) note(format string, args ...any) {
	if s.told || s.Note == nil {
		return
	}
	s.told = true
	s.Note(fmt.Sprintf(format, args...))
}

// wait waits before the next attempt; it reports whether nothing more will come.
func (s *sender) wait(delay time.Duration) bool {
	if s.deadline != nil { // at the end, patience is short
		select {
		case <-time.After(min(delay, firstDelay)):
		case <-s.deadline.Done():
		}
		return true
	}
	select {
	case <-s.stop:
		return true
	case <-time.After(delay):
		return false
	}
}

// send sends what is queued, after the run itself.
func (s *sender) send(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	for len(s.params) > 0 {
		n := min(len(s.params), maxParams)
		if err := s.c.call(ctx, http.MethodPost, "runs/log-batch", map[string]any{"run_id": s.RunID, "params": s.params[:n]}, nil); err != nil {
			return fmt.Errorf("params: %w", err)
		}
		s.params = s.params[n:]
	}
	for {
		s.mu.Lock()
		n := min(len(s.queue), maxMetrics)
		batch := s.queue[:n:n]
		s.mu.Unlock()
		if n == 0 {
			return nil
		}
		if fresh := s.fresh(batch); len(fresh) > 0 {
			if err := s.c.call(ctx, http.MethodPost, "runs/log-batch", map[string]any{"run_id": s.RunID, "metrics": fresh}, nil); err != nil {
				return fmt.Errorf("metrics: %w", err)
			}
		}
		s.mu.Lock()
		if s.queue = s.queue[n:]; len(s.queue) == 0 {
			s.queue = nil // its memory is free
		}
		s.mu.Unlock()
	}
}

// fresh returns the values that the server has not.
func (s *sender) fresh(batch []metric) []metric {
	if s.steps0 == 0 && s.epochs0 == 0 {
		return batch
	}
	var out []metric
	for _, m := range batch {
		known := s.epochs0
		if len(m.Key) > 5 && m.Key[:5] == "step/" {
			known = s.steps0
		}
		if m.Step > known {
			out = append(out, m)
		}
	}
	return out
}

// open finds the run to go on with, or makes a new one.
func (s *sender) open(ctx context.Context) error {
	if s.opened {
		return nil
	}
	if s.RunID != "" {
		err := s.resume(ctx)
		if !isMissing(err) {
			return err
		}
		s.RunID = "" // it was deleted there: all of the history goes to a new one
	}
	id, err := s.experiment(ctx)
	if err != nil {
		return err
	}
	tags := []pair{{"mlflow.source.name", filepath.Base(os.Args[0])}, {"mlflow.source.type", "LOCAL"}}
	in := map[string]any{"experiment_id": id, "start_time": time.Now().UnixMilli(), "tags": tags}
	if s.RunName != "" {
		in["run_name"] = s.RunName
	}
	var out runInfo
	if err := s.c.call(ctx, http.MethodPost, "runs/create", in, &out); err != nil {
		return fmt.Errorf("the run cannot be made: %w", err)
	}
	s.opened, s.RunID, s.uri = true, out.Run.Info.RunID, out.Run.Info.ArtifactURI
	for _, k := range slices.Sorted(maps.Keys(s.Params)) {
		v := []rune(s.Params[k])
		s.params = append(s.params, pair{k, string(v[:min(len(v), maxValue)])})
	}
	if s.Created != nil {
		s.Created(s.RunID)
	}
	return nil
}

// resume goes on with a run that the server has.
func (s *sender) resume(ctx context.Context) error {
	var out runInfo
	if err := s.c.call(ctx, http.MethodGet, "runs/get?run_id="+url.QueryEscape(s.RunID), nil, &out); err != nil {
		return fmt.Errorf("the run %s: %w", s.RunID, err)
	}
	if err := s.c.call(ctx, http.MethodPost, "runs/update", map[string]any{"run_id": s.RunID, "status": "RUNNING"}, nil); err != nil {
		return fmt.Errorf("the run %s: %w", s.RunID, err)
	}
	for _, m := range out.Run.Data.Metrics {
		switch m.Key {
		case stepKey:
			s.steps0 = m.Step
		case epochKey:
			s.epochs0 = m.Step
		}
	}
	if s.Changed {
		s.steps0, s.epochs0 = min(s.steps0, s.restored), min(s.epochs0, s.restored)
	}
	s.opened, s.uri = true, out.Run.Info.ArtifactURI
	return nil
}

// experiment returns the id of the experiment, which is made if it is not there.
func (s *sender) experiment(ctx context.Context) (string, error) {
	name := cmp.Or(s.Experiment, os.Getenv("MLFLOW_EXPERIMENT_NAME"), "Default")
	var got struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		}
	}
	err := s.c.call(ctx, http.MethodGet, "experiments/get-by-name?experiment_name="+url.QueryEscape(name), nil, &got)
	if !isMissing(err) {
		return got.Experiment.ID, wrap("experiment "+name, err)
	}
	var made struct {
		ID string `json:"experiment_id"`
	}
	err = s.c.call(ctx, http.MethodPost, "experiments/create", map[string]any{"name": name}, &made)
	return made.ID, wrap("experiment "+name, err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// finish sends the artifacts and how training ended. A file that the server refuses is
// told when the rest is done.
func (s *sender) finish(ctx, at context.Context) error {
	for s.end == "FINISHED" && len(s.Artifacts) > 0 {
		err := s.c.upload(ctx, s.uri, s.Artifacts[0])
		if err != nil {
			err = fmt.Errorf("%s was not sent: %w", s.Artifacts[0], err)
		}
		if no := new(refused); err != nil && !errors.As(err, &no) {
			return err
		}
		s.Artifacts, s.kept = s.Artifacts[1:], cmp.Or(s.kept, err)
	}
	err := s.c.call(at, http.MethodPost, "runs/update", map[string]any{"run_id": s.RunID, "status": s.end, "end_time": time.Now().UnixMilli()}, nil)
	return cmp.Or(err, s.kept)
}
