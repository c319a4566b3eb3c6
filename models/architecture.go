// Package models has the network architectures: ResNet and SqueezeNet with
// torchvision's parameter names, the cut between body and head, the layer groups
// and the published weights with their preprocessing.
package models

import (
	"fmt"
	"sort"
	"strings"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
)

// Architecture describes a network family member. Everything that differs
// between architectures is data here; the rest of Whippet has no special cases.
type Architecture struct {
	Name string
	// Features is the number of channels that the body ends with.
	Features int
	// GroupCut is the number of units of the body (its direct children, or for
	// SqueezeNet the children of "features") in the first layer group; the other
	// units are the second group and the head is the third (fastai's splitters).
	GroupCut int
	// MinSize is the smallest side of a picture that the body takes: of a smaller
	// one a convolution or a pool without padding finds nothing. 0 means any.
	MinSize int
	// Weights lists the published weights, the default first.
	Weights []Published

	body func() *nn.Sequential
	top  func(classes int) *nn.Sequential // torchvision's own head
	// prefix is the name under which torchvision keeps the body's units.
	prefix string
	init   func(m nn.Module, r *rng.Stream)
}

var registry = map[string]*Architecture{}

func register(a *Architecture) *Architecture {
	registry[a.Name] = a
	return a
}

// Names returns the names of all architectures, sorted.
func Names() []string {
	var n []string
	for k := range registry {
		n = append(n, k)
	}
	sort.Strings(n)
	return n
}

// ByName returns an architecture; the error for an unknown name lists the
// known ones.
func ByName(name string) (*Architecture, error) {
	if a := registry[name]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("unknown architecture %q: choose one of %s", name, strings.Join(Names(), ", "))
}

func (a *Architecture) String() string { return a.Name }

// Body returns the network without its head, [N,H,W,3] to [N,h,w,Features],
// with torchvision's names and its random initialisation drawn from r.
func (a *Architecture) Body(r *rng.Stream) nn.Module {
	b := a.named(a.body())
	a.init(b, r)
	return b
}

// Full returns torchvision's network with its own head for the given number of
// classes, initialised as torchvision does, from r.
func (a *Architecture) Full(classes int, r *rng.Stream) nn.Module {
	body := a.named(a.body())
	f := nn.NewNamed(append(append([]nn.Child(nil), body.Children()...), a.top(classes).Children()...)...)
	a.init(f, r)
	return f
}

func (a *Architecture) named(body *nn.Sequential) *nn.Sequential {
	if a.prefix == "" {
		return body
	}
	return nn.NewNamed(nn.Child{Name: a.prefix, Module: body})
}

// units returns the body's units with their full names.
func (a *Architecture) units(body nn.Module) []nn.Child {
	if a.prefix == "" {
		return nn.Children(body)
	}
	inner := nn.Children(body)[0]
	var u []nn.Child
	for _, c := range nn.Children(inner.Module) {
		u = append(u, nn.Child{Name: inner.Name + "." + c.Name, Module: c.Module})
	}
	return u
}
