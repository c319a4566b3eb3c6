// Package optim changes a model's parameters by their gradients: Adam and SGD
// as fastai defines them (decoupled weight decay before the step, none for batch
// norm and biases), RMSProp and RAdam, and Lookahead around any of them; PyTorch's AdamW,
// SGD and RMSprop; timm's RMSpropTF and LAMB.
//
// An optimizer owns its running averages, by parameter name, and gives them out
// as plain data, so that a checkpoint can store and restore them.
package optim

import (
	"fmt"
	"math"
)

// Param is one parameter tensor as the optimizer sees it.
type Param struct {
	// Name is unique in the model, as torchvision names it
	// ("layer1.0.conv1.weight"). State is kept and stored under it.
	Name string

	// Data holds the values, changed in place by Step. Any layout will do: the
	// arithmetic is element by element.
	Data []float32

	// Grad is the gradient of the loss, of Data's length, or nil when the
	// parameter does not train: Step then leaves it and its state alone, as
	// fastai does with parameters that have no gradient.
	Grad []float32

	// NoDecay keeps weight decay away. fastai sets it for the parameters of
	// batch norm and for every bias (do_wd=False).
	NoDecay bool

	// LRScale multiplies the learning rate of the group, as rates that fall with
	// depth need it; 0 means 1.
	LRScale float64

	// ForceTrain keeps the parameter training when its group is frozen. fastai
	// sets it for batch norm (force_train, under train_bn).
	ForceTrain bool
}

// Trainable reports whether p, in layer group group (from 0, the input side),
// trains when the groups below frozenTo are frozen (fastai's freeze_to).
func (p *Param) Trainable(group, frozenTo int) bool { return group >= frozenTo || p.ForceTrain }

// Hyper holds the hyperparameters that a schedule may move, for one layer group.
type Hyper struct {
	LR  float64 // learning rate, 0 or more
	Mom float64 // momentum, or Adam's beta1: at least 0, below 1
	WD  float64 // weight decay, 0 or more
}

// ParamState is what an optimizer remembers of one parameter. Slices that an
// algorithm does not use are nil; the others have the parameter's length.
type ParamState struct {
	Step int       // steps taken since the state was last cleared
	Avg  []float32 // running mean of the gradient (fastai's grad_avg)
	Sqr  []float32 // running mean of its square (fastai's sqr_avg)
	Slow []float32 // Lookahead's slow weights
}

// State is an optimizer's whole memory, for a checkpoint.
type State struct {
	Algorithm string                // as Name returns it; SetState refuses another's
	Count     int                   // Lookahead's steps
	Params    map[string]ParamState // by Param.Name
}

// Optimizer changes parameters. Implementations are not safe for concurrent
// use; a step is itself parallel, with the same bits for any number of threads.
type Optimizer interface {
	// Name identifies the algorithm and its fixed options in settings and
	// checkpoints.
	Name() string

	// Defaults returns fastai's hyperparameters for this algorithm.
	Defaults() Hyper

	// Step changes the parameters of all groups by their gradients; hyper has
	// one entry for each group. Parameters without gradient are passed over. An
	// error (lengths that differ, a name used twice or missing, a hyperparameter
	// out of range) is found before anything is changed. NaN in a gradient goes
	// through to the parameter: watching the loss is the training loop's job.
	Step(groups [][]*Param, hyper []Hyper) error

	// Reset forgets everything, as fastai does on freezing and unfreezing.
	Reset()

	// State returns the memory. Its slices are the optimizer's own: write them
	// out before the next Step.
	State() State

	// SetState replaces the memory by a copy of s.
	SetState(s State) error
}

// slot is the memory of one parameter.
type slot struct {
	ParamState
	seen uint64 // the step in which the parameter was last met
}

// memory keeps the slots of an optimizer and checks what Step is given.
type memory struct {
	slots map[string]*slot
	steps uint64
}

// prepare checks the arguments of a step and makes missing slots.
func (m *memory) prepare(groups [][]*Param, hyper []Hyper, avg, sqr bool) error {
	if len(groups) != len(hyper) {
		return fmt.Errorf("optim: %d parameter groups but hyperparameters for %d: give one Hyper for each group", len(groups), len(hyper))
	}
	if m.slots == nil {
		m.slots = map[string]*slot{}
	}
	m.steps++
	for g, params := range groups {
		if err := hyper[g].check(); err != nil {
			return fmt.Errorf("optim: group %d: %w", g, err)
		}
		for i, p := range params {
			if p == nil {
				return fmt.Errorf("optim: group %d: parameter %d is nil", g, i)
			}
			if p.Grad == nil {
				continue
			}
			if p.Name == "" {
				return fmt.Errorf("optim: group %d: parameter %d has no name: its state could not be stored", g, i)
			}
			if !(p.LRScale >= 0) || math.IsInf(p.LRScale, 0) {
				return fmt.Errorf("optim: parameter %s has LRScale %v: it must be a finite number, 0 or more", p.Name, p.LRScale)
			}
			n := len(p.Data)
			if len(p.Grad) != n {
				return fmt.Errorf("optim: parameter %s has %d values and %d gradients: they must be as many", p.Name, n, len(p.Grad))
			}
			s := m.slots[p.Name]
			if s == nil {
				s = new(slot)
				m.slots[p.Name] = s
			}
			if s.seen == m.steps {
				return fmt.Errorf("optim: two parameters are named %s: names must be unique", p.Name)
			}
			s.seen = m.steps
			if err := s.fit(p.Name, n, avg, sqr); err != nil {
				return err
			}
		}
	}
	return nil
}

// fit makes the slices an algorithm needs and checks those that came from a
// checkpoint.
func (s *slot) fit(name string, n int, avg, sqr bool) error {
	for _, v := range []struct {
		what string
		want bool
		have *[]float32
	}{{"gradient average", avg, &s.Avg}, {"squared average", sqr, &s.Sqr}} {
		if !v.want {
			continue
		}
		if *v.have == nil {
			*v.have = make([]float32, n)
		}
		if len(*v.have) != n {
			return fmt.Errorf("optim: parameter %s has %d values, its stored %s has %d: the state belongs to another model", name, n, v.what, len(*v.have))
		}
	}
	return nil
}

// each calls step for every parameter that has a gradient. prepare has passed.
func (m *memory) each(groups [][]*Param, hyper []Hyper, step func(p *Param, s *slot, h Hyper)) {
	for g, params := range groups {
		for _, p := range params {
			if p.Grad == nil {
				continue
			}
			h := hyper[g]
			if p.NoDecay {
				h.WD = 0
			}
			if p.LRScale != 0 {
				h.LR *= p.LRScale
			}
			s := m.slots[p.Name]
			s.Step++
			step(p, s, h)
		}
	}
}

func (m *memory) reset() { m.slots = nil }

func (m *memory) state(algorithm string) State {
	s := State{Algorithm: algorithm, Params: make(map[string]ParamState, len(m.slots))}
	for name, slot := range m.slots {
		s.Params[name] = slot.ParamState
	}
	return s
}

func (m *memory) setState(algorithm string, s State) error {
	if s.Algorithm != algorithm {
		return fmt.Errorf("optim: the stored optimizer is %q, this run's is %q: resume with the same optimizer and options", s.Algorithm, algorithm)
	}
	slots := make(map[string]*slot, len(s.Params))
	for name, p := range s.Params {
		if name == "" || p.Step < 0 {
			return fmt.Errorf("optim: stored state of parameter %q after %d steps: the checkpoint is damaged", name, p.Step)
		}
		slots[name] = &slot{ParamState: ParamState{
			Step: p.Step, Avg: clone(p.Avg), Sqr: clone(p.Sqr), // Slow is Lookahead's to keep
		}}
	}
	m.slots = slots
	return nil
}

func clone(s []float32) []float32 { return append([]float32(nil), s...) }

func (h Hyper) check() error {
	switch {
	case !(h.LR >= 0) || math.IsInf(h.LR, 0):
		return fmt.Errorf("learning rate %v: it must be a finite number, 0 or more", h.LR)
	case !(h.Mom >= 0 && h.Mom < 1):
		return fmt.Errorf("momentum %v: it must be at least 0 and below 1", h.Mom)
	case !(h.WD >= 0) || math.IsInf(h.WD, 0):
		return fmt.Errorf("weight decay %v: it must be a finite number, 0 or more", h.WD)
	}
	return nil
}
