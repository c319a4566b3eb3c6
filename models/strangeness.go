package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// strangenessName is what the names of the arrays of a model's strangeness begin with.
const strangenessName = "strangeness."

// strangenessArrays are those that a file has of s.
func strangenessArrays(s *confidence.Strangeness) []weights.Array {
	if s == nil {
		return nil
	}
	return []weights.Array{{Name: strangenessName + "means", Shape: []int{s.Classes, s.Features}, F32: s.Means},
		{Name: strangenessName + "whitening", Shape: []int{len(s.Whitening)}, F32: s.Whitening}}
}

// takeStrangeness gives i's strangeness its arrays, and returns f without them.
func (i *Info) takeStrangeness(f *weights.File, a *Architecture) (*weights.File, error) {
	if i.Strangeness == nil {
		return f, nil
	}
	s := i.Strangeness
	s.Classes, s.Features = len(i.Vocab), a.Features
	for _, want := range strangenessArrays(&confidence.Strangeness{Classes: s.Classes, Features: s.Features, Whitening: make([]float32, s.Features*(s.Features+1)/2)}) {
		got := f.Get(want.Name)
		if got == nil || got.DType != weights.F32 || !tensor.SameShape(got.Shape, want.Shape) || len(got.F32) != tensor.Size(want.Shape...) {
			return nil, fmt.Errorf("the description tells of a strangeness, but the file has no array %s of shape %v", want.Name, want.Shape)
		}
	}
	s.Means, s.Whitening = f.Get(strangenessName+"means").F32, f.Get(strangenessName+"whitening").F32
	without := *f
	without.Arrays = slices.DeleteFunc(slices.Clone(f.Arrays), func(x weights.Array) bool { return strings.HasPrefix(x.Name, strangenessName) })
	return &without, nil
}

// WithFeatures returns the network whose result is c's and that of FeatureNet side by side,
// [N,Classes+Features] for pictures [N,H,W,3], in one pass. It shares c's parameters.
func (c *Classifier) WithFeatures() nn.Module { return withFeatures{c} }

type withFeatures struct{ c *Classifier }

// Children are the classifier's.
func (w withFeatures) Children() []nn.Child { return w.c.Children() }

// Build appends the body once, and what is made of it.
func (w withFeatures) Build(g *graph.Graph, x graph.Value) graph.Value {
	body := w.c.Body.Build(g, x)
	features := body
	if !w.c.Arch.Pooled {
		features = nn.GlobalAvgPool{}.Build(g, body)
	}
	return g.Add(op.Concat{}, w.c.Head.Build(g, body), features)
}
