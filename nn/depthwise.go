package nn

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
)

// DepthwiseConv2d is torch's Conv2d with as many groups as channels: each channel
// has a window of its own.
type DepthwiseConv2d struct {
	Channels, Kernel, Stride int
	Padding                  op.Padding
	Weight                   *autograd.Parameter // [Kernel,Kernel,1,Channels]
	Bias                     *autograd.Parameter // [Channels], or nil
}

// NewDepthwiseConv2d returns a depthwise convolution with zero weights; see package
// models and Init for the initialization.
func NewDepthwiseConv2d(channels, kernel, stride int, pad op.Padding, bias bool) *DepthwiseConv2d {
	c := &DepthwiseConv2d{Channels: channels, Kernel: kernel, Stride: stride, Padding: pad,
		Weight: autograd.NewParameter(tensor.New(kernel, kernel, 1, channels))}
	if bias {
		c.Bias = autograd.NewParameter(tensor.New(channels))
	}
	return c
}

// Build appends the convolution of x [N,H,W,Channels].
func (c *DepthwiseConv2d) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.DepthwiseConv{Weight: c.Weight, Bias: c.Bias, Stride: c.Stride, Padding: c.Padding}, x)
}

// State returns weight and, where there is one, bias.
func (c *DepthwiseConv2d) State() []Entry {
	s := []Entry{{Name: "weight", Kind: ConvWeight, Shape: []int{c.Channels, 1, c.Kernel, c.Kernel}, Param: c.Weight}}
	if c.Bias != nil {
		s = append(s, Entry{Name: "bias", Kind: Bias, Shape: []int{c.Channels}, Param: c.Bias})
	}
	return s
}
