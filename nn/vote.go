package nn

import (
	"fmt"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// Vote makes scores of classes [N,Classes] of how near each item is to points of known classes, x [N,points]: the nearest
// ones vote; see op.Vote.
type Vote struct {
	Class     []float32 // [points], the number of each point's class
	Neighbors []float32 // [1], how many vote
	Classes   int
}

// NewVote returns a vote of one neighbor among points that are all of class 0.
func NewVote(points, classes int) *Vote {
	return &Vote{Class: make([]float32, points), Neighbors: []float32{1}, Classes: classes}
}

// Check reports classes that there are not, and a number of neighbors that there are not.
func (v *Vote) Check() error {
	for i, c := range v.Class {
		if !(c >= 0 && c < float32(v.Classes)) || c != float32(int(c)) {
			return fmt.Errorf("point %d has the class %v, of %d", i, c, v.Classes)
		}
	}
	if k := v.Neighbors[0]; !(k >= 1 && k <= float32(len(v.Class))) || k != float32(int(k)) {
		return fmt.Errorf("%v neighbors of %d points", k, len(v.Class))
	}
	return nil
}

// Build appends the vote.
func (v *Vote) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.Vote{Class: v.Class, Neighbors: v.Neighbors, Classes: v.Classes}, x)
}

// State returns the points' classes and the number of neighbors.
func (v *Vote) State() []Entry {
	return []Entry{
		{Name: "class", Kind: Given, Shape: []int{len(v.Class)}, Buffer: v.Class},
		{Name: "neighbors", Kind: Given, Shape: []int{1}, Buffer: v.Neighbors},
	}
}
