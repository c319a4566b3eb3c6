package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/weights"
)

// ConvMaxPool is MaxPool(ReLU(Conv(x))), the stem of SqueezeNet, as one operation
// of the tape: the convolution's result is pooled row by row as it is made.
type ConvMaxPool struct {
	Conv *Conv // with ReLU
	Pool MaxPool
}

// Name is "conv+pool".
func (o *ConvMaxPool) Name() string { return "conv+pool" }

// Shape is that of the pooled map.
func (o *ConvMaxPool) Shape(dst []int, in [][]int) ([]int, error) {
	s, err := o.Conv.Shape(dst, in)
	if err != nil {
		return nil, err
	}
	return o.Pool.Shape(dst, [][]int{s[len(dst):]}) // which is written over s
}

// Trains reports whether the weight or the bias trains.
func (o *ConvMaxPool) Trains() bool { return o.Conv.Trains() }

// Switches are those of the convolution.
func (o *ConvMaxPool) Switches() []*bool { return o.Conv.Switches() }

// Forward runs the three.
func (o *ConvMaxPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	c, p := o.Conv, o.Pool
	b := autograd.ConvBranch{Weight: c.Weight, Bias: c.Bias, Stride: c.Stride, Pad: c.Pad}
	return autograd.ConvReLUMaxPool(tp, in[0], b, p.Kernel, p.Stride, p.Pad, p.Ceil)
}

// Compile prepares both, one after the other.
func (o *ConvMaxPool) Compile(c *graph.Compiler) graph.Kernel {
	return newChain(c, o.Conv.Compile(c), o.Conv.Shape, o.Pool.Compile(c))
}

// ONNX is Conv, Relu and MaxPool.
func (o *ConvMaxPool) ONNX(e *graph.Exporter, name string, in []weights.Value) (weights.Value, error) {
	y, err := o.Conv.ONNX(e, name+"_relu", in)
	if err != nil {
		return "", err
	}
	return o.Pool.ONNX(e, name, []weights.Value{y})
}

// MACs are the convolution's.
func (o *ConvMaxPool) MACs(in [][]int) float64 { return o.Conv.MACs(in) }

// fuseConvStem makes a ConvMaxPool where nobody wants the gradient of the input
// and the shape is that of a stem.
func fuseConvStem(p *graph.Plan, v graph.Value) bool {
	m, in := p.Op(v).(MaxPool), p.Inputs(v)[0]
	c, ok := p.Op(in).(*Conv)
	if !ok || !c.ReLU || len(p.Inputs(in)) > 1 || p.Readers(in) > 1 {
		return false
	}
	x := p.Inputs(in)[0]
	onlyBias := trains(c.Bias) && !trains(c.Weight)
	fits := conv.MaxPool{Conv: c.geometry(p.Shape(x)), K: m.Kernel, Stride: m.Stride, Pad: m.Pad, Ceil: m.Ceil}.Fits()
	if p.NeedsGrad(x) || onlyBias || !fits {
		return false
	}
	p.Replace(v, &ConvMaxPool{c, m}, x)
	return true
}
