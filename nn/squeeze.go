package nn

import (
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// SqueezeExcite weighs the channels of a map by what it contains as a whole (Hu et
// al. 2017, https://arxiv.org/abs/1709.01507): the means of the channels go through
// two 1×1 convolutions to a factor for each channel.
type SqueezeExcite struct {
	Reduce, Expand *Conv2d
	Between, Gate  Activation // after Reduce, and after Expand

	// ReduceName and ExpandName are what files call the convolutions: fc1 and fc2
	// in torchvision, conv_reduce and conv_expand in timm.
	ReduceName, ExpandName string
}

// NewSqueezeExcite returns a squeeze-and-excitation of that many channels, of which
// reduced are left in between, with torchvision's names.
func NewSqueezeExcite(channels, reduced int, between, gate Activation) *SqueezeExcite {
	return &SqueezeExcite{
		Reduce: NewConv2d(channels, reduced, 1, 1, 0, true), Expand: NewConv2d(reduced, channels, 1, 1, 0, true),
		Between: between, Gate: gate, ReduceName: "fc1", ExpandName: "fc2",
	}
}

// Build appends the factors and their product with x [N,H,W,C].
func (s *SqueezeExcite) Build(g *graph.Graph, x graph.Value) graph.Value {
	v := g.Add(op.GlobalPool{Keep: true}, x)
	v = s.Between.Build(g, s.Reduce.Build(g, v))
	v = s.Gate.Build(g, s.Expand.Build(g, v))
	return g.Add(op.ScaleChannels{}, x, v)
}

// Children returns the two convolutions.
func (s *SqueezeExcite) Children() []Child {
	return []Child{{Name: s.ReduceName, Module: s.Reduce}, {Name: s.ExpandName, Module: s.Expand}}
}
