package nn

import "github.com/whippet-ml/whippet/autograd"

// ReLU is torch's ReLU.
type ReLU struct{}

// Forward is max(x,0).
func (ReLU) Forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	return autograd.ReLU(tp, x)
}

// Build appends a ReLU.
func (ReLU) Build(g *Graph, x int) int { return g.add(Node{Op: OpReLU, Inputs: []int{x}}) }

// Children returns nil.
func (ReLU) Children() []Child { return nil }

// MaxPool2d is torch's MaxPool2d.
type MaxPool2d struct {
	Kernel, Stride, Pad int
	Ceil                bool // ceil_mode
}

// Forward pools x [N,H,W,C].
func (p MaxPool2d) Forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	return autograd.MaxPool2d(tp, x, p.Kernel, p.Stride, p.Pad, p.Ceil)
}

// Build appends the pooling.
func (p MaxPool2d) Build(g *Graph, x int) int {
	return g.add(Node{Op: OpMaxPool, Inputs: []int{x}, Kernel: p.Kernel, Stride: p.Stride, Pad: p.Pad, Ceil: p.Ceil})
}

// Children returns nil.
func (MaxPool2d) Children() []Child { return nil }

// GlobalAvgPool is AdaptiveAvgPool2d(1) and flatten: [N,H,W,C] to [N,C].
type GlobalAvgPool struct{}

// Forward averages each channel.
func (GlobalAvgPool) Forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	return autograd.GlobalAvgPool(tp, x)
}

// Build appends the pooling.
func (GlobalAvgPool) Build(g *Graph, x int) int {
	return g.add(Node{Op: OpGlobalAvg, Inputs: []int{x}})
}

// Children returns nil.
func (GlobalAvgPool) Children() []Child { return nil }

// ConcatPool is fastai's AdaptiveConcatPool2d(1) and flatten: [N,H,W,C] to
// [N,2C], maxima first.
type ConcatPool struct{}

// Forward pools each channel.
func (ConcatPool) Forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	return autograd.ConcatPool(tp, x)
}

// Build appends both poolings and their concatenation.
func (ConcatPool) Build(g *Graph, x int) int {
	mx := g.add(Node{Op: OpGlobalMax, Inputs: []int{x}})
	av := g.add(Node{Op: OpGlobalAvg, Inputs: []int{x}})
	return g.add(Node{Op: OpConcat, Inputs: []int{mx, av}})
}

// Children returns nil.
func (ConcatPool) Children() []Child { return nil }

// Identity returns its input. It stands where fastai has a layer whose work
// another one does here (Flatten after pooling), so that names keep their number.
type Identity struct{}

// Forward returns x.
func (Identity) Forward(_ *autograd.Tape, x *autograd.Variable) *autograd.Variable { return x }

// Build returns x.
func (Identity) Build(_ *Graph, x int) int { return x }

// Children returns nil.
func (Identity) Children() []Child { return nil }

// Dropout is torch's Dropout: active in training only.
type Dropout struct{ P float64 }

// Forward drops values with probability P in training.
func (d Dropout) Forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	return autograd.Dropout(tp, x, d.P)
}

// Build returns x.
func (d Dropout) Build(_ *Graph, x int) int { return x }

// Children returns nil.
func (Dropout) Children() []Child { return nil }
