package optim

import (
	"cmp"
	"fmt"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// Lookahead is fastai's Lookahead (Zhang et al., "Lookahead optimizer: k steps
// forward, 1 step back", 2019): Opt moves the parameters, and every K steps the
// slow weights go the share Alpha of the way to them, and the parameters back
// to the slow weights. The slow weights begin as the parameters before the
// first step. The zero value of K and Alpha means fastai's default.
type Lookahead struct {
	Opt   Optimizer // takes the fast steps; must be set
	K     int       // 0 means 6
	Alpha float64   // 0 means 0.5

	count int
	slow  map[string][]float32
}

// Ranger is RAdam with Lookahead (Wright 2019), as fastai's ranger. fastai runs
// it with momentum 0.95, weight decay 0.01 and eps 1e-6, which its Defaults and
// options give.
func Ranger() *Lookahead { return RangerOf(RAdam{Eps: 1e-6}) }

// RangerOf is Ranger with options of its RAdam.
func RangerOf(o RAdam) *Lookahead { return &Lookahead{Opt: ranger{&o}} }

// ranger is RAdam with the defaults fastai gives it inside ranger.
type ranger struct{ *RAdam }

func (r ranger) Defaults() Hyper { return Hyper{LR: 1e-3, Mom: cmp.Or(r.Mom, 0.95), WD: 0.01} }

func (l *Lookahead) withDefaults() (k int, alpha float64) {
	return cmp.Or(l.K, 6), cmp.Or(l.Alpha, 0.5)
}

// Name implements Optimizer.
func (l *Lookahead) Name() string {
	k, alpha := l.withDefaults()
	return fmt.Sprintf("lookahead(k=%d,alpha=%g,%s)", k, alpha, l.Opt.Name())
}

// Defaults implements Optimizer: those of Opt.
func (l *Lookahead) Defaults() Hyper { return l.Opt.Defaults() }

// Step implements Optimizer.
func (l *Lookahead) Step(groups [][]*Param, hyper []Hyper) error {
	k, alpha := l.withDefaults()
	if k < 1 || !(alpha > 0 && alpha <= 1) {
		return fmt.Errorf("optim: lookahead: k is %d and alpha is %v: k must be at least 1 and alpha above 0, at most 1", k, alpha)
	}
	fresh, err := l.begin(groups)
	if err != nil {
		return err
	}
	if err := l.Opt.Step(groups, hyper); err != nil {
		for _, name := range fresh {
			delete(l.slow, name)
		}
		return err
	}
	l.count++
	if l.count%k == 0 {
		l.pullBack(groups, float32(alpha))
	}
	return nil
}

// begin copies the parameters that have no slow weights yet and returns their
// names.
func (l *Lookahead) begin(groups [][]*Param) (fresh []string, err error) {
	if l.slow == nil {
		l.slow = map[string][]float32{}
	}
	for _, params := range groups {
		for _, p := range params {
			if p == nil || p.Grad == nil {
				continue
			}
			slow, ok := l.slow[p.Name]
			if !ok {
				l.slow[p.Name] = clone(p.Data)
				fresh = append(fresh, p.Name)
			} else if len(slow) != len(p.Data) {
				return nil, fmt.Errorf("optim: parameter %s has %d values, its stored slow weights have %d: the state belongs to another model", p.Name, len(p.Data), len(slow))
			}
		}
	}
	return fresh, nil
}

func (l *Lookahead) pullBack(groups [][]*Param, alpha float32) {
	for _, params := range groups {
		for _, p := range params {
			if p.Grad == nil {
				continue
			}
			slow := l.slow[p.Name]
			type args struct {
				fast, slow []float32
				alpha      float32
			}
			parallel.ChunksWith(len(slow), chunk, args{p.Data, slow, alpha}, func(a *args, lo, hi int) {
				fast, slow := a.fast[lo:hi], a.slow[lo:hi]
				for i, v := range fast {
					slow[i] += float32(a.alpha * (v - slow[i]))
					fast[i] = slow[i]
				}
			})
		}
	}
}

// Reset implements Optimizer.
func (l *Lookahead) Reset() {
	l.Opt.Reset()
	l.count, l.slow = 0, nil
}

// State implements Optimizer.
func (l *Lookahead) State() State {
	s := l.Opt.State()
	s.Algorithm, s.Count = l.Name(), l.count
	for name, slow := range l.slow {
		p := s.Params[name]
		p.Slow = slow
		s.Params[name] = p
	}
	return s
}

// SetState implements Optimizer.
func (l *Lookahead) SetState(s State) error {
	if s.Algorithm != l.Name() {
		return fmt.Errorf("optim: the stored optimizer is %q, this run's is %q: resume with the same optimizer and options", s.Algorithm, l.Name())
	}
	if s.Count < 0 {
		return fmt.Errorf("optim: stored state after %d steps: the checkpoint is damaged", s.Count)
	}
	inner := s
	inner.Algorithm = l.Opt.Name()
	if err := l.Opt.SetState(inner); err != nil {
		return err
	}
	l.count, l.slow = s.Count, map[string][]float32{}
	for name, p := range s.Params {
		if p.Slow != nil {
			l.slow[name] = clone(p.Slow)
		}
	}
	return nil
}
