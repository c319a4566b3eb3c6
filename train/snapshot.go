package train

import "github.com/whippet-ml/whippet/optim"

// snapshot is a copy, in memory, of everything training changes.
type snapshot struct {
	values   [][]float32 // of all state entries, in the order of groups
	counts   []int64
	opt      optim.State
	step     int
	started  int
	recorder Recorder
}

// snapshot copies parameters, running statistics, optimizer and counters.
func (l *Learner) snapshot() *snapshot {
	s := &snapshot{step: l.Step, started: l.started, recorder: *l.Recorder}
	for _, g := range l.groups {
		for _, e := range g {
			switch {
			case e.Count != nil:
				s.counts = append(s.counts, *e.Count)
			case e.Param != nil:
				s.values = append(s.values, append([]float32(nil), e.Param.Value.Data...))
			default:
				s.values = append(s.values, append([]float32(nil), e.Buffer...))
			}
		}
	}
	st := l.opt.State()
	s.opt = optim.State{Algorithm: st.Algorithm, Count: st.Count, Params: map[string]optim.ParamState{}}
	for k, p := range st.Params {
		p.Avg = append([]float32(nil), p.Avg...)
		p.Sqr = append([]float32(nil), p.Sqr...)
		p.Slow = append([]float32(nil), p.Slow...)
		s.opt.Params[k] = p
	}
	return s
}

// restore puts a snapshot's model back.
func (l *Learner) restore(s *snapshot) {
	v, c := 0, 0
	for _, g := range l.groups {
		for _, e := range g {
			switch {
			case e.Count != nil:
				*e.Count = s.counts[c]
				c++
			case e.Param != nil:
				copy(e.Param.Value.Data, s.values[v])
				v++
			default:
				copy(e.Buffer, s.values[v])
				v++
			}
		}
	}
}

// restoreAll puts everything back: model, optimizer, counters and history.
func (l *Learner) restoreAll(s *snapshot) error {
	l.restore(s)
	l.Step, l.started = s.step, s.started
	*l.Recorder = s.recorder
	if len(s.opt.Params) == 0 {
		l.opt.Reset()
		return nil
	}
	return l.opt.SetState(s.opt)
}
