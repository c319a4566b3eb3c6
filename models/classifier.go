package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/rng"
)

// Classifier is a body and a head. With fastai's head it is what fastai's
// cnn_learner trains: its parameters have the architecture's names for the body and
// "head.N.…" for the head, N counting as in fastai's create_head. With the
// architecture's own head it is the network that its authors published, all of it
// under their names.
type Classifier struct {
	Arch       *Architecture
	Classes    int
	Body, Head nn.Module
	OwnHead    bool // the head is Architecture.Top, whose layers stand beside the body's
}

// NewClassifier returns a classifier with a randomly initialized body (see
// Architecture.Body) and fastai's head (see NewHead), both drawn from r.
func NewClassifier(a *Architecture, classes int, r *rng.Stream, head ...HeadOption) *Classifier {
	return &Classifier{Arch: a, Classes: classes, Body: a.Body(r), Head: a.newHead(classes, r, head...)}
}

// NewOwnHead returns a classifier with the architecture's own head, as
// Architecture.Full has it, with random initial values drawn from r.
func NewOwnHead(a *Architecture, classes int, r *rng.Stream) *Classifier {
	c := &Classifier{Arch: a, Classes: classes, Body: a.named(a.Units()), Head: a.top(classes), OwnHead: true}
	a.init(nn.NewNamed(c.Children()...), r)
	return c
}

// Build appends body and head: pictures [N,H,W,3] to logits [N,Classes].
func (c *Classifier) Build(g *graph.Graph, x graph.Value) graph.Value {
	return c.Head.Build(g, c.Body.Build(g, x))
}

// Children returns the body's units and "head", or the layers of the architecture's
// own head.
func (c *Classifier) Children() []nn.Child {
	return append(append([]nn.Child(nil), nn.Children(c.Body)...), c.headLayers()...)
}

func (c *Classifier) headLayers() []nn.Child {
	if c.OwnHead {
		return nn.Children(c.Head)
	}
	return []nn.Child{{Name: headName, Module: c.Head}}
}

// Groups returns the layer groups, lowest first, each as the state entries
// (parameters and buffers) that belong to it, under their full names: the body's
// as Architecture.Cuts divides it, and the head.
func (c *Classifier) Groups() []nn.StateDict {
	last := len(c.Arch.Cuts) + 1
	groups := make([]nn.StateDict, last+1)
	add := func(g int, name string, m nn.Module) {
		for _, e := range nn.State(m) {
			if name != "" { // as of a unit without a name of its own
				e.Name = name + "." + e.Name
			}
			groups[g] = append(groups[g], e)
		}
	}
	for i, u := range c.Arch.unitsOf(c.Body) {
		add(c.Arch.group(i), u.Name, u.Module)
	}
	for _, l := range c.headLayers() {
		add(last, l.Name, l.Module)
	}
	return groups
}
