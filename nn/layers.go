package nn

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
)

// Conv2d is torch's Conv2d with square kernel, equal stride and padding in both
// directions, groups 1; with Same set, TensorFlow's, whose "same" padding depends on
// the size of the map, in place of Pad.
type Conv2d struct {
	In, Out, Kernel, Stride, Pad int
	Same                         bool
	Weight                       *autograd.Parameter // [Kernel,Kernel,In,Out]
	Bias                         *autograd.Parameter // [Out], or nil
}

// NewConv2d returns a convolution with zero weights; see package models and
// Init for the initialization.
func NewConv2d(in, out, kernel, stride, pad int, bias bool) *Conv2d {
	c := &Conv2d{In: in, Out: out, Kernel: kernel, Stride: stride, Pad: pad,
		Weight: autograd.NewParameter(tensor.New(kernel, kernel, in, out))}
	if bias {
		c.Bias = autograd.NewParameter(tensor.New(out))
	}
	return c
}

// Build appends the convolution of x [N,H,W,In].
func (c *Conv2d) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.Conv{Weight: c.Weight, Bias: c.Bias, Stride: c.Stride, Pad: c.Pad, Same: c.Same}, x)
}

// State returns weight and, where there is one, bias.
func (c *Conv2d) State() []Entry {
	s := []Entry{{Name: "weight", Kind: ConvWeight, Shape: []int{c.Out, c.In, c.Kernel, c.Kernel}, Param: c.Weight}}
	if c.Bias != nil {
		s = append(s, Entry{Name: "bias", Kind: Bias, Shape: []int{c.Out}, Param: c.Bias})
	}
	return s
}

// BatchNorm is torch's BatchNorm1d ([N,C]) and BatchNorm2d ([N,H,W,C]).
type BatchNorm struct {
	Features int
	S        op.BatchNormState
}

// NewBatchNorm returns a batch norm with torch's initial values: scale 1,
// shift 0, running mean 0, running variance 1.
func NewBatchNorm(features int) *BatchNorm {
	b := &BatchNorm{Features: features, S: op.BatchNormState{
		Weight: autograd.NewParameter(tensor.New(features)), Bias: autograd.NewParameter(tensor.New(features)),
		RunningMean: make([]float32, features), RunningVar: make([]float32, features),
		Eps: 1e-5, Momentum: 0.1}}
	fill(b.S.Weight.Value.Data, 1)
	fill(b.S.RunningVar, 1)
	return b
}

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}

// Build appends the normalization.
func (b *BatchNorm) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.Norm{State: &b.S}, x)
}

// State returns weight, bias, running_mean, running_var, num_batches_tracked.
func (b *BatchNorm) State() []Entry {
	sh := []int{b.Features}
	return []Entry{
		{Name: "weight", Kind: NormScale, Shape: sh, Param: b.S.Weight},
		{Name: "bias", Kind: NormShift, Shape: sh, Param: b.S.Bias},
		{Name: "running_mean", Kind: RunningMean, Shape: sh, Buffer: b.S.RunningMean},
		{Name: "running_var", Kind: RunningVar, Shape: sh, Buffer: b.S.RunningVar},
		{Name: "num_batches_tracked", Kind: BatchCount, Shape: []int{}, Count: &b.S.Batches},
	}
}

// Linear is torch's Linear.
type Linear struct {
	In, Out int
	Weight  *autograd.Parameter // [Out,In]
	Bias    *autograd.Parameter // [Out], or nil

	// Pointwise says that files have the layer as a 1×1 convolution, with the weight
	// [Out,In,1,1].
	Pointwise bool
}

// NewLinear returns a linear layer with zero weights.
func NewLinear(in, out int, bias bool) *Linear {
	l := &Linear{In: in, Out: out, Weight: autograd.NewParameter(tensor.New(out, in))}
	if bias {
		l.Bias = autograd.NewParameter(tensor.New(out))
	}
	return l
}

// Build appends the matrix product, x of vectors [N,In], tokens [N,T,In] or maps
// [N,H,W,In] to the same with Out.
func (l *Linear) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.Linear{Weight: l.Weight, Bias: l.Bias}, x)
}

// State returns weight and, where there is one, bias.
func (l *Linear) State() []Entry {
	shape := []int{l.Out, l.In}
	if l.Pointwise {
		shape = append(shape, 1, 1)
	}
	s := []Entry{{Name: "weight", Kind: LinearWeight, Shape: shape, Param: l.Weight}}
	if l.Bias != nil {
		s = append(s, Entry{Name: "bias", Kind: Bias, Shape: []int{l.Out}, Param: l.Bias})
	}
	return s
}
