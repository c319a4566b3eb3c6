package models

import (
	"fmt"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// NeighborsHead is the value of Info.Head for a classifier that answers by the nearest of the pictures it was
// made from; see HeadNeighbors.
const NeighborsHead = "knn"

// HeadNeighbors makes the head a vote of the nearest of a number of pictures, 1 at least, by the averages of the body's maps: a
// linear layer with a row for each picture, and an nn.Vote. What they hold is for features.FitNeighbors to say; training
// in steps would move the pictures, not find better ones.
func HeadNeighbors(pictures int) HeadOption { return func(o *headOptions) { o.neighbors = pictures } }

func newNeighborsHead(features, classes, pictures int, pooled bool) nn.Module {
	layers := []nn.Module{nn.NewLinear(features, pictures, true), nn.NewVote(pictures, classes)}
	if !pooled {
		layers = append([]nn.Module{nn.GlobalAvgPool{}}, layers...)
	}
	return nn.NewSequential(layers...)
}

// NeighborsHead returns the parts of a head that HeadNeighbors made: how near the features of a picture
// are to those of each of the known ones, and their vote. Both are nil for another head.
func (c *Classifier) NeighborsHead() (*nn.Linear, *nn.Vote) {
	layers := nn.Children(c.Head)
	if c.OwnHead || len(layers) < 2 {
		return nil, nil
	}
	near, _ := layers[len(layers)-2].Module.(*nn.Linear)
	vote, _ := layers[len(layers)-1].Module.(*nn.Vote)
	if near == nil || vote == nil {
		return nil, nil
	}
	return near, vote
}

// neighborsHeadSize returns how many pictures the head in f has, whose values are all there, which bounds what
// a head of this size takes.
func neighborsHeadSize(f *weights.File, a *Architecture) (int, error) {
	names := nn.State(a.newHead(1, nil, HeadNeighbors(1)))
	w := f.Get(headName + "." + names[0].Name)
	if w == nil {
		return 0, ErrNoHead
	}
	if s := w.Shape; len(s) != 2 || s[0] < 1 || s[1] != a.Features || w.Len() != s[0]*s[1] {
		return 0, fmt.Errorf("the head's layer %s has the shape %v and %d values; want [pictures, %d] for the features of %s", w.Name, s, w.Len(), a.Features, a.Name)
	}
	for _, e := range names[1:3] {
		if b := f.Get(headName + "." + e.Name); b == nil || !tensor.SameShape(b.Shape, w.Shape[:1]) {
			return 0, fmt.Errorf("the head has no %s of %d values", e.Name, w.Shape[0])
		}
	}
	return w.Shape[0], nil
}
