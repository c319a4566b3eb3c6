package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/depthwise"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// DepthwiseConv is a 2-D convolution of x [N,H,W,C] in which each channel has a
// window of its own, Weight [KH,KW,1,C], plus Bias [C], which may be nil:
// [N,OH,OW,C].
type DepthwiseConv struct {
	Weight, Bias *autograd.Parameter
	Stride       int
	Padding      Padding
	Activation   Activation // applied to the result

	folded *affine // what a batch norm does to the result, in inference
	expand *Conv   // a 1×1 convolution before, whose result nobody else reads, in inference; the plan's
}

// Padding is the zeros around a map.
type Padding struct {
	Rows, Cols int // on each side

	// Same is TensorFlow's "same" padding in place of Rows and Cols: as many zeros
	// as make a result of ceil(size/stride), the odd one at the end.
	Same bool
}

// around returns the padding of a map h×w for windows kh×kw.
func (p Padding) around(h, w, kh, kw, stride int) depthwise.Padding {
	if !p.Same {
		return depthwise.Padding{Top: p.Rows, Bottom: p.Rows, Left: p.Cols, Right: p.Cols}
	}
	return depthwise.Padding(ground.SamePadding(h, w, kh, kw, stride))
}

// Name is "depthwise".
func (c *DepthwiseConv) Name() string { return "depthwise" }

// Shape is [N,OH,OW,C].
func (c *DepthwiseConv) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a depthwise convolution", in[0]); err != nil {
		return nil, err
	}
	if err := c.Activation.check(); err != nil {
		return nil, err
	}
	g := c.geometry(in[0])
	if e := c.expand; e != nil {
		if from := e.Weight.Value.Shape[2]; in[0][3] != from {
			return nil, fmt.Errorf("%d channels reach a convolution for %d", in[0][3], from)
		}
		if err := e.Activation.check(); err != nil {
			return nil, err
		}
	} else if in[0][3] != c.channels() {
		return nil, fmt.Errorf("%d channels reach a depthwise convolution for %d", in[0][3], c.channels())
	}
	if g.H+g.Pad.Top+g.Pad.Bottom < g.KH || g.W+g.Pad.Left+g.Pad.Right < g.KW {
		return nil, tooSmall(g.H, g.W, g.KH, "depthwise convolution")
	}
	oh, ow := g.Out()
	return append(dst, g.N, oh, ow, g.C), nil
}

// geometry is the convolution of maps of shape s.
func (c *DepthwiseConv) geometry(s []int) depthwise.Conv {
	w := c.Weight.Value.Shape
	return depthwise.Conv{
		N: s[0], H: s[1], W: s[2], C: c.channels(), KH: w[0], KW: w[1], Stride: c.Stride,
		Pad: c.Padding.around(s[1], s[2], w[0], w[1], c.Stride),
	}
}

func (c *DepthwiseConv) channels() int { return c.Weight.Value.Dim(-1) }

// Trains reports whether the weight or the bias trains.
func (c *DepthwiseConv) Trains() bool { return trains(c.Weight, c.Bias) }

// Switches are the parameters' RequiresGrad.
func (c *DepthwiseConv) Switches() []*bool { return switches(c.Weight, c.Bias) }

// Forward convolves in[0].
func (c *DepthwiseConv) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	g := c.geometry(x.Shape())
	oh, ow := g.Out()
	y := tp.New(g.N, oh, ow, g.C)
	tp.Timed("depthwise", func() {
		g.Forward(x.Value.Data, c.Weight.Value.Data, data(c.Bias), y.Value.Data, elementwise.Identity)
	})
	var saved []*autograd.Variable
	if c.Weight.RequiresGrad {
		saved = []*autograd.Variable{x}
	}
	autograd.Record(tp, "depthwise", y, x.NeedsGrad() || c.Trains(), saved, depthwiseSaved{x, g, c}, depthwiseBackward)
	return after(tp, y, c.Activation)
}

// depthwiseSaved is what the backward pass of a DepthwiseConv needs.
type depthwiseSaved struct {
	x *autograd.Variable
	g depthwise.Conv
	c *DepthwiseConv
}

func depthwiseBackward(tp *autograd.Tape, y *autograd.Variable, v *depthwiseSaved) {
	c, dy := v.c, y.Grad.Data
	if trains(c.Bias) {
		c.Bias.AddGrad(tp, func(db []float32) { elementwise.SumRows(dy, y.Rows(), v.g.C, db) })
	}
	if c.Weight.RequiresGrad {
		xs := tp.Saved(v.x)
		c.Weight.AddGrad(tp, func(dw []float32) {
			tp.TimedBackward("depthwise weights", func() { v.g.BackwardWeights(xs, dy, dw) })
		})
	}
	if v.x.NeedsGrad() {
		tp.TimedBackward("depthwise data", func() {
			tp.AddGrad(v.x, func(dx []float32) { v.g.BackwardData(dy, c.Weight.Value.Data, dx) })
		})
	}
}

// Compile packs the weights, scaled by the batch norm that is folded into them.
func (c *DepthwiseConv) Compile(cc *graph.Compiler) graph.Kernel {
	w, shape := c.Weight.Value.Data, c.Weight.Value.Shape
	var packed *depthwise.Packed
	if c.folded == nil {
		packed = depthwise.Pack(cc.Hold, shape[0], shape[1], c.channels(), w, data(c.Bias))
	} else {
		cc.Scratch(len(w), func(scaled []float32) {
			c.folded.weights(scaled, w)
			packed = depthwise.Pack(cc.Hold, shape[0], shape[1], c.channels(), scaled, c.folded.shift)
		})
	}
	if e := c.expand; e != nil {
		from := e.pack(cc)
		return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
			x := from.Pixels(in[0].Data, elementwise.Activation(e.Activation))
			packed.ForwardOf(c.geometry(in[0].Shape), x, out.Data, elementwise.Activation(c.Activation))
		})
	}
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		packed.Forward(c.geometry(in[0].Shape), in[0].Data, out.Data, elementwise.Activation(c.Activation))
	})
}

// ONNX is Conv with as many groups as channels, and the activation's operators.
func (c *DepthwiseConv) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return exportConv(e, name, in[0], c.Weight, c.Bias, c.channels(), c.Stride, c.Padding, c.Activation)
}

// exportConv adds Conv and the operators of an activation.
func exportConv(e *graph.Exporter, name string, x onnx.Value, weight, bias *autograd.Parameter, groups, stride int, pad Padding, a Activation) (onnx.Value, error) {
	w, err := e.Parameter(weight.Value.Data)
	if err != nil {
		return "", err
	}
	b, err := e.Parameter(data(bias))
	if err != nil {
		return "", err
	}
	inputs := []onnx.Value{x, w}
	if b != "" {
		inputs = append(inputs, b)
	}
	s := weight.Value.Shape
	attrs := []onnx.Attr{
		onnx.AttrInts("kernel_shape", s[0], s[1]), onnx.AttrInts("strides", stride, stride), onnx.AttrInt("group", groups),
	}
	if pad.Same {
		attrs = append(attrs, onnx.AttrString("auto_pad", "SAME_UPPER"))
	} else {
		attrs = append(attrs, onnx.AttrInts("pads", pad.Rows, pad.Cols, pad.Rows, pad.Cols))
	}
	conv := name
	if a != Identity {
		conv += "_conv"
	}
	return epilogue(e, name, e.AddNode("Conv", conv, inputs, attrs...), nil, a), nil
}

// MACs is OH·OW·KH·KW·C for each picture.
func (c *DepthwiseConv) MACs(in [][]int) float64 {
	g := c.geometry(in[0])
	oh, ow := g.Out()
	n := float64(float64(g.N) * float64(oh) * float64(ow) * float64(c.Weight.Value.Len()))
	if c.expand != nil {
		n += c.expand.MACs(in)
	}
	return n
}

// Rewrites takes the 1×1 convolution before in, as inverted residual blocks have it.
func (c *DepthwiseConv) Rewrites() []graph.Rewrite { return depthwiseRewrites }

var depthwiseRewrites = []graph.Rewrite{{Name: "depthwise(1×1 conv)", Uses: graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	c, in := p.Op(v).(*DepthwiseConv), p.Inputs(v)[0]
	e, ok := p.Op(in).(*Conv)
	if !ok || c.expand != nil || len(p.Inputs(in)) > 1 || p.Readers(in) > 1 {
		return false
	}
	if !e.pointwise() || e.Weight.Value.Dim(-1) != c.channels() {
		return false
	}
	d := *c
	d.expand = e
	p.Replace(v, &d, p.Inputs(in)...)
	return true
}}}

// WithActivation returns the convolution followed by a, in inference.
func (c *DepthwiseConv) WithActivation(m graph.Mode, a Activation) graph.Op {
	if m.Use != graph.Inference || c.Activation != Identity {
		return nil
	}
	d := *c
	d.Activation = a
	return &d
}

// WithNorm returns the convolution followed by a batch norm. The weights stay as
// they are until the convolution is compiled.
func (c *DepthwiseConv) WithNorm(scale, shift []float32) graph.Op {
	if c.Activation != Identity || len(scale) != c.channels() {
		return nil
	}
	d := *c
	d.folded = c.folded.then(data(c.Bias), scale, shift)
	return &d
}
