package models

import (
	"fmt"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
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
// Architecture.Body) and fastai's head (see NewHead), both drawn from r. A nil r
// draws nothing, for a classifier all of whose values are loaded.
func NewClassifier(a *Architecture, classes int, r *rng.Stream, head ...HeadOption) *Classifier {
	return &Classifier{Arch: a, Classes: classes, Body: a.Body(r), Head: a.newHead(classes, r, head...)}
}

// NewOwnHead returns a classifier with the architecture's own head, as
// Architecture.Full has it, with random initial values drawn from r, or without for a nil r.
func NewOwnHead(a *Architecture, classes int, r *rng.Stream) *Classifier {
	c := &Classifier{Arch: a, Classes: classes, Body: a.named(a.Units()), Head: a.top(classes), OwnHead: true}
	a.init(nn.NewNamed(c.Children()...), r)
	return c
}

// Build appends body and head: pictures [N,H,W,3] to logits [N,Classes].
func (c *Classifier) Build(g *graph.Graph, x graph.Value) graph.Value {
	return c.Head.Build(g, c.Body.Build(g, x))
}

// FeatureNet returns the network that computes the body's features, [N,Features] for pictures
// [N,H,W,3]: the body and, unless it ends in one row a picture, the average over its
// map. It shares c's parameters.
func (c *Classifier) FeatureNet() nn.Module {
	if c.Arch.Pooled {
		return c.Body
	}
	return nn.NewSequential(c.Body, nn.GlobalAvgPool{})
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

// Frozen returns a copy of c for those who need gradients of activations but none of
// parameters: its parameters are c's values, not copies, and want no gradients; running
// statistics are copies. It returns an error for a body or a head that neither the
// architecture nor NewHead made.
func (c *Classifier) Frozen() (*Classifier, error) {
	head, err := c.CopyHead()
	if err != nil {
		return nil, err
	}
	f := &Classifier{Arch: c.Arch, Classes: c.Classes, Body: c.Arch.named(c.Arch.Units()), Head: head, OwnHead: c.OwnHead}
	from := nn.State(c)
	f.FitPositions(shapesOf(from))
	to := nn.State(f)
	if len(from) != len(to) {
		return nil, fmt.Errorf("models: the network has %d parameters and buffers, %s has %d", len(from), c.Arch.Name, len(to))
	}
	for i, e := range to {
		if from[i].Name != e.Name || from[i].Kind != e.Kind || !tensor.SameShape(from[i].Shape, e.Shape) {
			return nil, fmt.Errorf("models: the network has %s %v where %s has %s %v", from[i].Name, from[i].Shape, c.Arch.Name, e.Name, e.Shape)
		}
		if e.Param != nil {
			e.Param.Value, e.Param.RequiresGrad = from[i].Param.Value, false
		} else if err := e.Set(from[i].Get()); err != nil {
			return nil, fmt.Errorf("models: %w", err)
		}
	}
	return f, nil
}
