package train

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/nn"
)

// monitored names a column of the history and says how to compare its values.
type monitored struct {
	// Monitor is "valid_loss" (the default), "train_loss" or a metric's name.
	Monitor string
	// MinDelta is how much better a value must be to count.
	MinDelta float64

	best  float64
	known bool
	row   int // of the history, where best is from; -1 if the checkpoint that it is from did not say
}

// value returns the newest value of the column, and whether it beats the best
// so far, which it then becomes.
func (m *monitored) value(l *Learner) (v float64, better bool, err error) {
	row, ok := l.Recorder.Last()
	if !ok {
		return nan, false, nil
	}
	higher := false
	switch m.Monitor {
	case "", "valid_loss":
		v = row.ValidLoss
	case "train_loss":
		v = row.TrainLoss
	default:
		found := false
		for i, mt := range l.Metrics {
			if mt.Name() == m.Monitor {
				v, higher, found = row.Metrics[i], mt.HigherIsBetter(), true
			}
		}
		if !found {
			return nan, false, fmt.Errorf("train: cannot monitor %q: it is neither valid_loss, train_loss nor one of the metrics %v", m.Monitor, l.Recorder.MetricNames)
		}
	}
	switch {
	case math.IsNaN(v):
	case !m.known:
		better = true
	case higher:
		better = v > m.best+m.MinDelta
	default:
		better = v < m.best-m.MinDelta
	}
	if better {
		m.best, m.known, m.row = v, true, len(l.Recorder.Rows)-1
	}
	return v, better, nil
}

// EarlyStopping ends a fit when the monitored value has not improved for
// Patience epochs (fastai's EarlyStoppingCallback).
type EarlyStopping struct {
	Monitor  string  // see SaveBest
	MinDelta float64 // an improvement must be larger than this
	Patience int     // epochs without improvement that are borne; 0 means 1

	Stopped bool // whether it ended the last fit

	m    monitored
	wait int
}

// On watches AfterEpoch.
func (s *EarlyStopping) On(e Event, l *Learner) error {
	switch e {
	case BeforeFit:
		if l.Epoch == 0 && l.Iter == 0 {
			s.m, s.wait, s.Stopped = monitored{Monitor: s.Monitor, MinDelta: s.MinDelta}, 0, false
		}
	case AfterEpoch:
		s.m.Monitor, s.m.MinDelta = s.Monitor, s.MinDelta
		_, better, err := s.m.value(l)
		if err != nil {
			return err
		}
		if better {
			s.wait = 0
			return nil
		}
		if s.wait++; s.wait >= max(1, s.Patience) {
			s.Stopped = true
			return ErrCancelFit
		}
	}
	return nil
}

// SaveBest keeps the best model seen at the end of an epoch, by the monitored
// value, in memory, and calls Save with each new best (fastai's
// SaveModelCallback). At the end it puts it back, if Restore. What counts is the
// best of a whole plan, of both phases of FineTune for instance; fastai begins
// anew in each.
type SaveBest struct {
	Monitor  string  // "valid_loss" (default), "train_loss" or a metric's name
	MinDelta float64 // an improvement must be larger than this
	Restore  bool    // put the best parameters back when the fit ends
	Save     func(l *Learner, value float64) error

	m    monitored
	best *nn.Snapshot
}

// On watches BeforeFit, AfterEpoch and AfterFit.
func (s *SaveBest) On(e Event, l *Learner) error {
	switch e {
	case BeforeFit:
		if l.Phase == 0 && l.Epoch == 0 && l.Iter == 0 {
			s.m, s.best = monitored{}, nil
		}
	case AfterEpoch:
		s.m.Monitor, s.m.MinDelta = s.Monitor, s.MinDelta
		v, better, err := s.m.value(l)
		if err != nil || !better {
			return err
		}
		if s.Restore {
			s.best = l.state.Snapshot()
		}
		if s.Save != nil {
			return s.Save(l, v)
		}
	case AfterFit:
		// Not when the fit was interrupted: then it is to be continued.
		if s.Restore && s.best != nil && l.cur.Ended && l.Phase+1 == l.Phases {
			l.state.Restore(s.best)
		}
	}
	return nil
}

// Best returns the best value so far and the row of the history that has it, -1 where
// the fit was resumed from a checkpoint of a version that did not note it. ok is false
// when no value was a number yet.
func (s *SaveBest) Best() (value float64, row int, ok bool) { return s.m.best, s.m.row, s.m.known }

// monitorState is the memory of a callback that monitors a value. Best is the
// bits of a float64 in hexadecimal: it may be infinite, which JSON cannot say.
type monitorState struct {
	Best    string `json:"best"`
	Known   bool   `json:"known"`
	Row     *int   `json:"row,omitempty"`
	Wait    int    `json:"wait,omitempty"`
	Stopped bool   `json:"stopped,omitempty"`
}

func stateName(kind, monitor string) string {
	if monitor == "" {
		return kind
	}
	return kind + "-" + monitor
}

// StateName implements Persistent.
func (s *EarlyStopping) StateName() string { return stateName("early-stopping", s.Monitor) }

// MarshalJSON implements Persistent.
func (s *EarlyStopping) MarshalJSON() ([]byte, error) {
	return json.Marshal(monitorState{Best: bits(s.m.best), Known: s.m.known, Wait: s.wait, Stopped: s.Stopped})
}

// UnmarshalJSON implements Persistent.
func (s *EarlyStopping) UnmarshalJSON(b []byte) error {
	var st monitorState
	if err := json.Unmarshal(b, &st); err != nil {
		return err
	}
	s.m.best, s.m.known, s.wait, s.Stopped = unbits(st.Best), st.Known, st.Wait, st.Stopped
	return nil
}

// StateName implements Persistent.
func (s *SaveBest) StateName() string { return stateName("save-best", s.Monitor) }

// MarshalJSON implements Persistent. The model it keeps is stored besides.
func (s *SaveBest) MarshalJSON() ([]byte, error) {
	st := monitorState{Best: bits(s.m.best), Known: s.m.known}
	if s.m.known && s.m.row >= 0 {
		st.Row = &s.m.row
	}
	return json.Marshal(st)
}

// UnmarshalJSON implements Persistent.
func (s *SaveBest) UnmarshalJSON(b []byte) error {
	var st monitorState
	if err := json.Unmarshal(b, &st); err != nil {
		return err
	}
	s.m.best, s.m.known, s.m.row = unbits(st.Best), st.Known, -1
	if st.Row != nil {
		s.m.row = *st.Row
	}
	return nil
}

func (s *SaveBest) keptModel() *nn.Snapshot     { return s.best }
func (s *SaveBest) setKeptModel(b *nn.Snapshot) { s.best = b }
