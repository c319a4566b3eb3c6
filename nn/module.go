// Package nn has the layers that image classifiers are made of, their
// parameters under torchvision's names, and their initialisation.
//
// A model is a tree of Modules. It runs on an autograd tape for training, and
// is compiled to a graph of fused operations for inference (Compile).
// Inside, convolution weights are [KH,KW,C,K]; files and the State functions
// use torch's [K,C,KH,KW].
package nn

import (
	"strconv"

	"github.com/whippet-ml/whippet/autograd"
)

// Module is a layer or a group of layers.
type Module interface {
	// Forward runs the module on x. It does not release x.
	Forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable
	// Build appends the module's inference operations to g, reading node x, and
	// returns the node with the result.
	Build(g *Graph, x int) int
	// Children returns the modules directly below, in order; nil for a layer.
	Children() []Child
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
	for _, c := range m.Children() {
		walk(join(path, c.Name), c.Module, visit)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
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

// Sequential runs its layers one after the other. A batch norm or convolution
// directly followed by a ReLU, or by a ReLU and a max pool, runs as one fused
// operation.
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

// fusesReLU is a layer that can apply a following ReLU itself.
type fusesReLU interface {
	forwardReLU(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable
}

// fusesPool is a layer that can apply a following ReLU and max pool itself.
type fusesPool interface {
	forwardReLUMaxPool(tp *autograd.Tape, x *autograd.Variable, p MaxPool2d) *autograd.Variable
}

// Forward runs the layers in order and releases what lies between them.
func (s *Sequential) Forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	in := x
	for i := 0; i < len(s.layers); i++ {
		y := x
		f, fuses := s.layers[i].Module.(fusesReLU)
		if pool, ok := s.pooledAt(i); ok {
			y = s.layers[i].Module.(fusesPool).forwardReLUMaxPool(tp, x, pool)
			i += 2
		} else if fuses && i+1 < len(s.layers) && isReLU(s.layers[i+1].Module) {
			y = f.forwardReLU(tp, x)
			i++
		} else {
			y = s.layers[i].Module.Forward(tp, x)
		}
		if x != in && x != y {
			tp.Free(x)
		}
		x = y
	}
	return x
}

// Build appends the layers in order.
func (s *Sequential) Build(g *Graph, x int) int {
	for _, l := range s.layers {
		x = l.Module.Build(g, x)
	}
	return x
}

// pooledAt returns the max pool of layers i to i+2 when these are one that
// fusesPool, a ReLU and a max pool.
func (s *Sequential) pooledAt(i int) (MaxPool2d, bool) {
	if i+2 >= len(s.layers) || !isReLU(s.layers[i+1].Module) {
		return MaxPool2d{}, false
	}
	_, fuses := s.layers[i].Module.(fusesPool)
	pool, ok := s.layers[i+2].Module.(MaxPool2d)
	return pool, fuses && ok
}

func isReLU(m Module) bool { _, ok := m.(ReLU); return ok }
