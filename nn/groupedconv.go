package nn

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
)

// GroupedConv2d is torch's Conv2d with groups, and with windows and padding that may
// differ between rows and columns.
type GroupedConv2d struct {
	In, Out, Groups int
	Rows, Cols      int // of the window
	Stride          int
	Padding         op.Padding
	Weight          *autograd.Parameter // [Rows,Cols,In/Groups,Out]
	Bias            *autograd.Parameter // [Out], or nil
}

// NewGroupedConv2d returns a convolution with square windows, of which the padding is
// half, and zero weights; see package models and Init for the initialization.
func NewGroupedConv2d(in, out, kernel, stride, groups int, bias bool) *GroupedConv2d {
	return NewRectangularConv2d(in, out, kernel, kernel, stride, groups, op.Padding{Rows: kernel / 2, Cols: kernel / 2}, bias)
}

// NewRectangularConv2d returns a convolution with windows of rows×cols and zero
// weights.
func NewRectangularConv2d(in, out, rows, cols, stride, groups int, pad op.Padding, bias bool) *GroupedConv2d {
	c := &GroupedConv2d{In: in, Out: out, Groups: groups, Rows: rows, Cols: cols, Stride: stride, Padding: pad,
		Weight: autograd.NewParameter(tensor.New(rows, cols, in/groups, out))}
	if bias {
		c.Bias = autograd.NewParameter(tensor.New(out))
	}
	return c
}

// Build appends the convolution of x [N,H,W,In].
func (c *GroupedConv2d) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(&op.GroupedConv{Weight: c.Weight, Bias: c.Bias, Groups: c.Groups, Stride: c.Stride, Padding: c.Padding}, x)
}

// State returns weight and, where there is one, bias.
func (c *GroupedConv2d) State() []Entry {
	s := []Entry{{Name: "weight", Kind: ConvWeight, Shape: []int{c.Out, c.In / c.Groups, c.Rows, c.Cols}, Param: c.Weight}}
	if c.Bias != nil {
		s = append(s, Entry{Name: "bias", Kind: Bias, Shape: []int{c.Out}, Param: c.Bias})
	}
	return s
}
