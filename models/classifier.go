package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/rng"
)

// Classifier is a body and a head: what fastai's cnn_learner trains. Its
// parameters have torchvision's names for the body and "head.N.…" for the head,
// N counting as in fastai's create_head.
type Classifier struct {
	Arch       *Architecture
	Classes    int
	Body, Head nn.Module
}

// HeadDropout is fastai's: half of it before the first linear layer, all of it
// before the last.
const HeadDropout = 0.5

// NewClassifier returns a classifier with a randomly initialised body (see
// Architecture.Body) and fastai's head, both drawn from r.
func NewClassifier(a *Architecture, classes int, r *rng.Stream) *Classifier {
	return &Classifier{Arch: a, Classes: classes, Body: a.Body(r), Head: NewHead(a.Features, classes, HeadDropout, r)}
}

// hidden is the width of the head between its two linear layers, fastai's.
const hidden = 512

// NewHead is fastai's create_head for a body with the given number of features:
// max and average pooling, batch norm, dropout p/2, linear to 512 without bias,
// ReLU, batch norm, dropout p, linear without bias. Linear layers are Kaiming
// normal, batch-norm shifts start at 1e-3.
func NewHead(features, classes int, p float64, r *rng.Stream) nn.Module {
	h := nn.NewSequential(
		nn.ConcatPool{}, nn.Identity{}, // AdaptiveConcatPool2d, Flatten
		nn.NewBatchNorm(2*features), nn.Dropout{P: p / 2}, nn.NewLinear(2*features, hidden, false), nn.ReLU{},
		nn.NewBatchNorm(hidden), nn.Dropout{P: p}, nn.NewLinear(hidden, classes, false))
	for _, e := range nn.Parameters(h) {
		switch e.Kind {
		case nn.LinearWeight:
			nn.KaimingNormal(e, false, r)
		case nn.NormShift:
			nn.Fill(e, 1e-3)
		}
	}
	return h
}

// Build appends body and head: pictures [N,H,W,3] to logits [N,Classes].
func (c *Classifier) Build(g *graph.Graph, x graph.Value) graph.Value {
	return c.Head.Build(g, c.Body.Build(g, x))
}

// Children returns the body's units and "head".
func (c *Classifier) Children() []nn.Child {
	return append(append([]nn.Child(nil), nn.Children(c.Body)...), nn.Child{Name: "head", Module: c.Head})
}

// Groups returns the three layer groups, lowest first, each as the state
// entries (parameters and buffers) that belong to it, under their full names.
func (c *Classifier) Groups() []nn.StateDict {
	groups := make([]nn.StateDict, 3)
	add := func(g int, name string, m nn.Module) {
		for _, e := range nn.State(m) {
			e.Name = name + "." + e.Name
			groups[g] = append(groups[g], e)
		}
	}
	for i, u := range c.Arch.units(c.Body) {
		g := 0
		if i >= c.Arch.GroupCut {
			g = 1
		}
		add(g, u.Name, u.Module)
	}
	add(2, "head", c.Head)
	return groups
}
