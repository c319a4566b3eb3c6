package nn

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
)

// LayerNorm is torch's LayerNorm over the channels of vectors [N,C], tokens [N,T,C]
// or maps [N,H,W,C]; for maps timm's LayerNorm2d.
type LayerNorm struct {
	Features     int
	Weight, Bias *autograd.Parameter // [Features]
	Eps          float64
}

// NewLayerNorm returns a layer norm with scale 1 and shift 0.
func NewLayerNorm(features int, eps float64) *LayerNorm {
	return &LayerNorm{Features: features, Weight: newVector(features, 1), Bias: newVector(features, 0), Eps: eps}
}

// newVector returns a parameter of n values v.
func newVector(n int, v float32) *autograd.Parameter {
	p := autograd.NewParameter(tensor.New(n))
	fill(p.Value.Data, v)
	return p
}

// Build appends the normalization.
func (l *LayerNorm) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.LayerNorm{Weight: l.Weight, Bias: l.Bias, Eps: l.Eps}, x)
}

// State returns weight and bias.
func (l *LayerNorm) State() []Entry {
	sh := []int{l.Features}
	return []Entry{
		{Name: "weight", Kind: NormScale, Shape: sh, Param: l.Weight},
		{Name: "bias", Kind: NormShift, Shape: sh, Param: l.Bias},
	}
}

// LayerScale multiplies each channel by a factor of its own: the end of a residual
// branch (https://arxiv.org/abs/2103.17239).
type LayerScale struct {
	Gamma *autograd.Parameter // [C]
}

// NewLayerScale returns factors with the initial value that the weight of the branch
// has.
func NewLayerScale(channels int, initial float32) *LayerScale {
	return &LayerScale{Gamma: newVector(channels, initial)}
}

// Build appends the scaling.
func (l *LayerScale) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.LayerScale{Gamma: l.Gamma}, x)
}

// State returns gamma.
func (l *LayerScale) State() []Entry {
	return []Entry{{Name: "gamma", Kind: OtherWeight, Shape: []int{l.Gamma.Value.Len()}, Param: l.Gamma}}
}

// GRN is the global response normalization of ConvNeXt V2
// (https://arxiv.org/abs/2301.00808), of maps [N,H,W,C].
type GRN struct {
	Weight, Bias *autograd.Parameter // [C]
}

// NewGRN returns a normalization that changes nothing yet: weight and bias are 0.
func NewGRN(channels int) *GRN {
	return &GRN{Weight: newVector(channels, 0), Bias: newVector(channels, 0)}
}

// Build appends the normalization.
func (n *GRN) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.GRN{Weight: n.Weight, Bias: n.Bias, Eps: 1e-6}, x)
}

// State returns weight and bias.
func (n *GRN) State() []Entry {
	sh := []int{n.Weight.Value.Len()}
	return []Entry{
		{Name: "weight", Kind: OtherWeight, Shape: sh, Param: n.Weight},
		{Name: "bias", Kind: Bias, Shape: sh, Param: n.Bias},
	}
}
