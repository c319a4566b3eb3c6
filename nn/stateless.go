package nn

import (
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// MaxPool2d is torch's MaxPool2d.
type MaxPool2d struct {
	Kernel, Stride, Pad int
	Ceil                bool // ceil_mode
}

// Build appends the pooling of x [N,H,W,C].
func (p MaxPool2d) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.MaxPool{Kernel: p.Kernel, Stride: p.Stride, Pad: p.Pad, Ceil: p.Ceil}, x)
}

// GlobalAvgPool is AdaptiveAvgPool2d(1) and flatten: [N,H,W,C] to [N,C].
type GlobalAvgPool struct{}

// Build appends the pooling.
func (GlobalAvgPool) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.GlobalPool{}, x)
}

// ConcatPool is fastai's AdaptiveConcatPool2d(1) and flatten: [N,H,W,C] to
// [N,2C], maxima first.
type ConcatPool struct{}

// Build appends both poolings and their concatenation.
func (ConcatPool) Build(g *graph.Graph, x graph.Value) graph.Value {
	largest, average := g.Add(op.GlobalPool{Max: true}, x), g.Add(op.GlobalPool{}, x)
	return g.Add(op.Concat{}, largest, average)
}

// Identity returns its input. It stands where fastai has a layer whose work
// another one does here (Flatten after pooling), so that names keep their number.
type Identity struct{}

// Build returns x.
func (Identity) Build(_ *graph.Graph, x graph.Value) graph.Value { return x }

// Dropout is torch's Dropout: active in training only.
type Dropout struct{ P float64 }

// Build appends the dropout.
func (d Dropout) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.Dropout{P: d.P}, x)
}

// StochasticDepth drops the branch of a residual block, x, for pictures that are
// drawn with probability P, in training only: torchvision's StochasticDepth in mode
// "row", timm's DropPath.
type StochasticDepth struct{ P float64 }

// Build appends it.
func (d StochasticDepth) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.Dropout{P: d.P, Pictures: true}, x)
}

// AvgPool2d is torch's AvgPool2d with count_include_pad=False.
type AvgPool2d struct {
	Kernel, Stride, Pad int
	Ceil                bool // ceil_mode
}

// Build appends the pooling of x [N,H,W,C].
func (p AvgPool2d) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.AvgPool{Kernel: p.Kernel, Stride: p.Stride, Pad: p.Pad, Ceil: p.Ceil}, x)
}

// BlurPool2d is timm's BlurPool2d with its binomial filter of 3×3: it makes maps smaller
// without aliasing.
type BlurPool2d struct{ Stride int }

// Build appends the filter over x [N,H,W,C].
func (p BlurPool2d) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.BlurPool{Stride: p.Stride}, x)
}
