package models

import (
	"fmt"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// LinearHead is the value of Info.Head for a classifier whose head is one linear layer; see
// HeadLinear.
const LinearHead = "linear"

func newLinearHead(features, classes int, pooled bool, r *rng.Stream) nn.Module {
	layers := []nn.Module{nn.NewLinear(features, classes, true)}
	if !pooled {
		layers = append([]nn.Module{nn.GlobalAvgPool{}}, layers...)
	}
	h := nn.NewSequential(layers...)
	for _, e := range nn.Parameters(h) {
		if e.Kind == nn.LinearWeight && r != nil {
			nn.KaimingNormal(e, false, r)
		}
	}
	return h
}

// LinearHead returns the layer that is c's head, weights [Classes,Features] and bias [Classes] on the
// features of FeatureNet, for a head that HeadLinear made; nil for another.
func (c *Classifier) LinearHead() *nn.Linear {
	layers := nn.Children(c.Head)
	if !c.Arch.Pooled && len(layers) > 0 {
		if _, pools := layers[0].Module.(nn.GlobalAvgPool); !pools {
			return nil
		}
		layers = layers[1:]
	}
	if c.OwnHead || len(layers) != 1 {
		return nil
	}
	if l, ok := layers[0].Module.(*nn.Linear); ok && l.Bias != nil {
		return l
	}
	return nil
}

// linearHeadSize returns for how many classes the linear head in f is. Its weights are in f with
// all their values, which bounds what a head of this size takes.
func linearHeadSize(f *weights.File, a *Architecture) (classes int, err error) {
	layers := nn.Parameters(a.newHead(1, nil, HeadLinear()))
	w := f.Get(headName + "." + layers[0].Name)
	if w == nil {
		return 0, ErrNoHead
	}
	if s := w.Shape; len(s) != 2 || s[0] < 1 || s[1] != a.Features || w.Len() != s[0]*s[1] {
		return 0, fmt.Errorf("the head's layer %s has the shape %v and %d values; want [classes, %d] for the features of %s", w.Name, s, w.Len(), a.Features, a.Name)
	}
	if b := f.Get(headName + "." + layers[1].Name); b == nil || !tensor.SameShape(b.Shape, w.Shape[:1]) {
		return 0, fmt.Errorf("the head has a layer %s of shape %v, but no bias of its own for the %d classes", w.Name, w.Shape, w.Shape[0])
	}
	return w.Shape[0], nil
}
