package train

import (
	"slices"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/optim"
)

// snapshot is a copy, in memory, of everything training changes.
type snapshot struct {
	model    *nn.Snapshot
	opt      optim.State
	step     int
	started  int
	recorder Recorder
}

// snapshot copies parameters, running statistics, optimizer and counters.
func (l *Learner) snapshot() *snapshot {
	s := &snapshot{model: l.state.Snapshot(), step: l.Step, started: l.started, recorder: *l.Recorder}
	st := l.opt.State()
	s.opt = optim.State{Algorithm: st.Algorithm, Count: st.Count, Params: map[string]optim.ParamState{}}
	for k, p := range st.Params {
		p.Avg, p.Sqr, p.Slow = slices.Clone(p.Avg), slices.Clone(p.Sqr), slices.Clone(p.Slow)
		s.opt.Params[k] = p
	}
	return s
}

// restore puts everything back: model, optimizer, counters and history.
func (l *Learner) restore(s *snapshot) error {
	l.state.Restore(s.model)
	l.Step, l.started = s.step, s.started
	*l.Recorder = s.recorder
	if len(s.opt.Params) == 0 {
		l.opt.Reset()
		return nil
	}
	return l.opt.SetState(s.opt)
}
