package models

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/whippet-ml/whippet/internal/nearest"
	"github.com/whippet-ml/whippet/nn"
)

var registry = struct {
	sync.RWMutex
	all map[string]*Architecture
}{all: map[string]*Architecture{}}

// Register makes an architecture known to ByName, so that model files that name
// it can be read, Import recognizes its weights, and a command that is built with
// it offers it. It builds the body once to check it, and returns an error that
// says what is missing, does not fit, or is taken. a must not change afterwards.
func Register(a *Architecture) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	registry.Lock()
	defer registry.Unlock()
	if registry.all[a.Name] != nil {
		return fmt.Errorf("models: there is already an architecture %q: give this one another name", a.Name)
	}
	registry.all[a.Name] = a
	return nil
}

// builtin is Register for the architectures of this package, which tests check:
// a program that starts does not build them all.
func builtin(a *Architecture) *Architecture {
	withTimm(a)
	registry.all[a.Name] = a
	return a
}

// Names returns the names of all architectures, sorted.
func Names() []string {
	registry.RLock()
	defer registry.RUnlock()
	var n []string
	for k := range registry.all {
		n = append(n, k)
	}
	sort.Strings(n)
	return n
}

// all returns all architectures, by name.
func all() []*Architecture {
	registry.RLock()
	defer registry.RUnlock()
	return slices.SortedFunc(maps.Values(registry.all), func(a, b *Architecture) int { return strings.Compare(a.Name, b.Name) })
}

// ByName returns an architecture; the error for an unknown name has the
// nearest known ones, or all where none is near.
func ByName(name string) (*Architecture, error) {
	registry.RLock()
	a := registry.all[name]
	registry.RUnlock()
	if a != nil {
		return a, nil
	}
	known := Names()
	if hint := nearest.Hint(name, known); hint != "" {
		return nil, fmt.Errorf("unknown architecture %.100q%s", name, hint)
	}
	return nil, fmt.Errorf("unknown architecture %.100q: choose one of %s", name, strings.Join(known, ", "))
}

// check returns what is wrong with a description.
func (a *Architecture) check() error {
	switch {
	case a == nil:
		return errors.New("no architecture is given (nil)")
	case a.Name == "":
		return errors.New("an architecture needs a Name, which model files hold")
	case a.Units == nil:
		return fmt.Errorf("architecture %q needs Units, the function that builds its body", a.Name)
	case a.Features < 1:
		return fmt.Errorf("architecture %q has Features %d; want the number of channels that its body ends with", a.Name, a.Features)
	case a.MinSize < 0:
		return fmt.Errorf("architecture %q has MinSize %d; want pixels, or 0 for any", a.Name, a.MinSize)
	}
	units := a.Units()
	if units == nil || units.Len() == 0 {
		return fmt.Errorf("architecture %q has no units: the function Units returns no layers", a.Name)
	}
	for i, cut := range a.Cuts {
		if cut < 1 || cut >= units.Len() || i > 0 && cut <= a.Cuts[i-1] {
			return fmt.Errorf("architecture %q has Cuts %v; want rising numbers of units from 1 to %d", a.Name, a.Cuts, units.Len()-1)
		}
	}
	body := a.named(units)
	if err := a.checkBody(body); err != nil {
		return err
	}
	if _, err := a.bodyLayers(nn.State(body)); err != nil {
		return err
	}
	_, err := a.layout()
	return err
}

func (a *Architecture) checkBody(body nn.Module) error {
	seen := map[string]bool{}
	for _, e := range nn.State(body) {
		if seen[e.Name] {
			return fmt.Errorf("architecture %q has two parameters or buffers %q: give its modules names of their own", a.Name, e.Name)
		}
		if isHead(e.Name) {
			return fmt.Errorf("architecture %q calls a part of its body %q: fc, classifier and head are the names of heads", a.Name, e.Name)
		}
		seen[e.Name] = true
	}
	g, side := nn.BuildGraph(body), max(1, a.MinSize)
	shapes, err := g.Shapes([]int{1, side, side, 3})
	if err != nil {
		return fmt.Errorf("architecture %q cannot take a picture of %d×%d pixels, as its MinSize %d says: %w", a.Name, side, side, a.MinSize, err)
	}
	s := shapes[g.Output]
	if a.Pooled {
		if len(s) != 2 || s[1] != a.Features {
			return fmt.Errorf("architecture %q is Pooled and has Features %d, but its body ends with a result of shape %v; want [N,%d]", a.Name, a.Features, s, a.Features)
		}
		return nil
	}
	if len(s) != 4 || s[3] != a.Features {
		return fmt.Errorf("architecture %q has Features %d, but its body ends with a result of shape %v; want [N,h,w,%d]", a.Name, a.Features, s, a.Features)
	}
	return nil
}
