// Package nn has the layers that image classifiers are made of, their
// parameters under torchvision's names, and their initialization.
//
// A model is a tree of Modules, which describe one graph of operations (packages
// nn/graph and nn/op). A Program plays it on an autograd tape for training, and
// Compile prepares it for inference.
// Inside, convolution weights are [KH,KW,C,K]; files and the State functions
// use torch's [K,C,KH,KW].
package nn

import (
	"strconv"

	"github.com/whippet-ml/whippet/nn/graph"
)

// Module is a layer or a group of layers.
type Module interface {
	// Build appends the module's operations to g, reading x, and returns the
	// result.
	Build(g *graph.Graph, x graph.Value) graph.Value
}

// Parent is a module made of others.
type Parent interface {
	Module
	// Children returns the modules directly below, in order.
	Children() []Child
}

// Children returns the modules directly below m, in order; nil for a layer.
func Children(m Module) []Child {
	if p, ok := m.(Parent); ok {
		return p.Children()
	}
	return nil
}

// Child is a module under its name in the parent, the name torch would use.
type Child struct {
	Name   string
	Module Module
}

// Stateful is a layer with parameters or buffers of its own.
type Stateful interface {
	Module
	// State returns the layer's entries under their local names, in torch's order.
	State() []Entry
}

// Walk calls visit for every module of the tree below m, m first, in order,
// with its dotted path ("" for m itself).
func Walk(m Module, visit func(path string, m Module)) { walk("", m, visit) }

func walk(path string, m Module, visit func(string, Module)) {
	visit(path, m)
	for _, c := range Children(m) {
		walk(join(path, c.Name), c.Module, visit)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	if name == "" { // a part without a name of its own
		return path
	}
	return path + "." + name
}

// State returns all parameters and buffers of the tree under their dotted
// names, in the order of torch's state dict.
func State(m Module) StateDict {
	var all StateDict
	Walk(m, func(path string, m Module) {
		if s, ok := m.(Stateful); ok {
			for _, e := range s.State() {
				e.Name = join(path, e.Name)
				all = append(all, e)
			}
		}
	})
	return all
}

// Parameters returns the parameters of the tree in order.
func Parameters(m Module) StateDict { return State(m).Parameters() }

// Sequential runs its layers one after the other.
type Sequential struct{ layers []Child }

// NewSequential returns a Sequential whose layers are named "0", "1", ….
func NewSequential(layers ...Module) *Sequential {
	s := &Sequential{}
	for i, l := range layers {
		s.layers = append(s.layers, Child{strconv.Itoa(i), l})
	}
	return s
}

// NewNamed returns a Sequential with the given names.
func NewNamed(layers ...Child) *Sequential { return &Sequential{layers: layers} }

// Children returns the layers.
func (s *Sequential) Children() []Child { return s.layers }

// Len returns the number of layers.
func (s *Sequential) Len() int { return len(s.layers) }

// At returns layer i.
func (s *Sequential) At(i int) Module { return s.layers[i].Module }

// Slice returns layers [lo,hi) under new names counted from 0, as slicing a
// torch Sequential does when it is wrapped anew. The layers are shared.
func (s *Sequential) Slice(lo, hi int) *Sequential {
	var m []Module
	for _, c := range s.layers[lo:hi] {
		m = append(m, c.Module)
	}
	return NewSequential(m...)
}

// Build appends the layers in order.
func (s *Sequential) Build(g *graph.Graph, x graph.Value) graph.Value {
	for _, l := range s.layers {
		x = l.Module.Build(g, x)
	}
	return x
}
