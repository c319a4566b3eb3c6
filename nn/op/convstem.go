package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// ConvMaxPool is MaxPool(ReLU(Conv(x))), the stem of SqueezeNet, and with its norm folded that of a ResNet, as one
// operation: the convolution's result is pooled row by row as it is made.
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

// Forward runs the three: as one where the shape is that of a stem and nobody wants
// the gradient of in[0].
func (o *ConvMaxPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x, c := in[0], o.Conv
	p := o.geometry(x.Shape())
	if !o.fits(p, x.NeedsGrad()) {
		h := c.Forward(tp, in)
		y := o.Pool.Forward(tp, []*autograd.Variable{h})
		tp.Free(h)
		return y
	}
	oh, ow := p.Out()
	y := tp.New(p.Conv.N, oh, ow, p.Conv.K)
	var argmax []uint8
	var held *autograd.Variable
	if tp.Record && c.Weight.RequiresGrad {
		held = tp.New((y.Value.Len() + 3) / 4) // a byte each, in a float buffer
		argmax = autograd.Bytes(held.Value.Data)[:y.Value.Len()]
	}
	tp.Timed("conv+pool", func() { p.Forward(x.Value.Data, c.Weight.Value.Data, c.Bias.Data(), y.Value.Data, argmax) })
	autograd.Record(tp, "conv+pool", y, c.Weight.RequiresGrad, []*autograd.Variable{x, held}, convStemSaved{x, p, argmax, c}, convStemBackward)
	return y
}

// geometry is the stem on maps of shape s.
func (o *ConvMaxPool) geometry(s []int) conv.MaxPool {
	m := o.Pool
	return conv.MaxPool{Conv: o.Conv.geometry(s), K: m.Kernel, Stride: m.Stride, Pad: m.Pad, Ceil: m.Ceil}
}

// fits reports whether the three can be done as one.
func (o *ConvMaxPool) fits(p conv.MaxPool, inputNeedsGrad bool) bool {
	onlyBias := trains(o.Conv.Bias) && !trains(o.Conv.Weight)
	return !inputNeedsGrad && !onlyBias && p.Fits()
}

// Compile packs the weights.
func (o *ConvMaxPool) Compile(c *graph.Compiler) graph.Kernel {
	k := &convKernel{o.Conv.pack(c), elementwise.ReLU, false}
	return &convStemKernel{o, k, newChain(c, k, o.Conv.Shape, o.Pool.Compile(c))}
}

// convStemKernel is a ConvMaxPool with packed weights.
type convStemKernel struct {
	op    *ConvMaxPool
	conv  *convKernel
	apart *chain // for single pictures, and maps that are not a stem's
}

// Run does them as one for several pictures: of one, the map between stays in the caches anyway, and on processors
// with caches of their own the memory for a few of its rows would go to and fro between these.
func (k *convStemKernel) Run(in []*tensor.Tensor, out *tensor.Tensor) {
	if p := k.op.geometry(in[0].Shape); p.Conv.N > 1 && p.Fits() {
		p.ForwardPacked(k.conv.conv, in[0].Data, out.Data)
		return
	}
	k.apart.Run(in, out)
}

// ByBatch reports whether the number of pictures may change the last bits.
func (k *convStemKernel) ByBatch() bool { return k.conv.ByBatch() }

// ONNX is Conv, Relu and MaxPool.
func (o *ConvMaxPool) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	y, err := o.Conv.ONNX(e, name+"_relu", in)
	if err != nil {
		return "", err
	}
	return o.Pool.ONNX(e, name, []onnx.Value{y})
}

// MACs are the convolution's.
func (o *ConvMaxPool) MACs(in [][]int) float64 { return o.Conv.MACs(in) }

// fuseConvStem makes a ConvMaxPool where nobody wants the gradient of the input
// and the shape is that of a stem; in inference, where it is not known, of all that have a stem's channels.
func fuseConvStem(p *graph.Plan, v graph.Value) bool {
	m, in := p.Op(v).(MaxPool), p.Inputs(v)[0]
	c, ok := p.Op(in).(*Conv)
	if !ok || c.Activation != ReLU || len(p.Inputs(in)) > 1 || p.Readers(in) > 1 {
		return false
	}
	x, o := p.Inputs(in)[0], &ConvMaxPool{c, m}
	if p.Mode.Use == graph.Inference && !c.geometry(nil).FewChannels() {
		return false
	}
	if p.Mode.Use == graph.OnTape && !o.fits(o.geometry(p.Shape(x)), p.NeedsGrad(x)) {
		return false
	}
	p.Replace(v, o, x)
	return true
}

// convStemSaved is what the backward pass of a ConvMaxPool needs.
type convStemSaved struct {
	x      *autograd.Variable
	p      conv.MaxPool
	argmax []uint8
	c      *Conv
}

func convStemBackward(tp *autograd.Tape, y *autograd.Variable, v *convStemSaved) {
	var db []float32
	if trains(v.c.Bias) {
		db = v.c.Bias.BeginGrad(tp)
	}
	v.c.Weight.AddGrad(tp, func(dw []float32) { v.p.BackwardWeights(tp.Saved(v.x), y.Grad.Data, v.argmax, dw, db) })
	if trains(v.c.Bias) {
		v.c.Bias.EndGrad(tp, db)
	}
}
