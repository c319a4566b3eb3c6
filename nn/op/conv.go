package op

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Conv is a 2-D convolution of x [N,H,W,C] with Weight [KH,KW,C,K] plus Bias [K],
// which may be nil: [N,OH,OW,K]. The stride is the same in both directions. In inference it may multiply
// its input by factors of ScaleChannels, another input, and add one more, of the result's shape.
type Conv struct {
	Weight, Bias *autograd.Parameter
	Stride       int
	Pad          int        // zeros on each side
	Same         bool       // TensorFlow's "same" padding in place of Pad, as Padding has it
	Activation   Activation // applied to the result

	folded     *affine // what a batch norm does to the result, in inference
	masksInput bool    // the gradient of the input goes on through the ReLU before; the plan's
	scaled     bool    // the second input [N,1,1,C] multiplies the first, in inference; the plan's
}

// Name is "conv".
func (c *Conv) Name() string { return "conv" }

// Shape is [N,OH,OW,K].
func (c *Conv) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a convolution", in[0]); err != nil {
		return nil, err
	}
	if err := c.Activation.check(); err != nil {
		return nil, err
	}
	g := c.geometry(in[0])
	if in[0][3] != g.C {
		return nil, fmt.Errorf("%d channels reach a convolution for %d", in[0][3], g.C)
	}
	if c.scaled {
		if _, err := (ScaleChannels{}).Shape(nil, in); err != nil {
			return nil, err
		}
	}
	oh, ow := g.Out()
	if !g.Same && min(g.H, g.W)+2*g.Pad < g.KH || oh < 1 || ow < 1 { // Out rounds towards 0
		return nil, tooSmall(g.H, g.W, g.KH, "convolution")
	}
	return append(dst, g.N, oh, ow, g.K), nil
}

// geometry is the convolution of maps of shape s; of none, without their sizes.
func (c *Conv) geometry(s []int) conv.Conv {
	w := c.Weight.Value.Shape
	g := conv.Conv{C: w[2], K: w[3], KH: w[0], KW: w[1], Stride: c.Stride, Pad: c.Pad, Same: c.Same}
	if s != nil {
		g.N, g.H, g.W = s[0], s[1], s[2]
	}
	return g
}

// pointwise reports whether a pixel of the result is made of the same pixel of x.
func (c *Conv) pointwise() bool {
	w := c.Weight.Value.Shape
	return w[0]*w[1] == 1 && c.Stride == 1 && c.Pad == 0
}

// Trains reports whether the weight or the bias trains.
func (c *Conv) Trains() bool { return trains(c.Weight, c.Bias) }

// Switches are the parameters' RequiresGrad.
func (c *Conv) Switches() []*bool { return switches(c.Weight, c.Bias) }

// Forward convolves in[0].
func (c *Conv) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	g := c.geometry(x.Shape())
	relu, rest := c.Activation.onTape()
	oh, ow := g.Out()
	y := tp.New(g.N, oh, ow, g.K)
	tp.Timed("conv", func() {
		g.Forward(x.Value.Data, c.Weight.Value.Data, y.Value.Data, elementwise.Epilogue{Bias: c.Bias.Data(), Activation: reluOr(relu)})
	})
	if relu {
		y.SetReLU(autograd.ReLUPart{C: g.K, Bias: c.Bias})
	}
	var saved [2]*autograd.Variable
	if c.Weight.RequiresGrad {
		saved[0] = x
	}
	if relu {
		saved[1] = y
	}
	autograd.Record(tp, "conv", y, x.NeedsGrad() || c.Trains(), saved[:], convSaved{x, g, c}, convBackward)
	return after(tp, y, rest)
}

// Compile packs the weights.
func (c *Conv) Compile(cc *graph.Compiler) graph.Kernel {
	return &convKernel{c.pack(cc), elementwise.Activation(c.Activation), c.scaled}
}

// pack packs the weights, with what is folded into them.
func (c *Conv) pack(cc *graph.Compiler) (p *conv.Packed) {
	shape, w := c.geometry(nil), c.Weight.Value.Data
	if c.folded == nil {
		return conv.Pack(cc.Hold, shape, w, data(c.Bias))
	}
	cc.Scratch(len(w), func(scaled []float32) {
		c.folded.weights(scaled, w)
		p = conv.Pack(cc.Hold, shape, scaled, c.folded.shift)
	})
	return p
}

// convKernel is a convolution with packed weights.
type convKernel struct {
	conv       *conv.Packed
	activation elementwise.Activation
	scaled     bool
}

func (k *convKernel) Run(in []*tensor.Tensor, out *tensor.Tensor) {
	x := in[0]
	if k.scaled {
		e := elementwise.Epilogue{Residual: values(in, 2), Activation: k.activation}
		k.conv.ForwardScaled(x.Shape[0], x.Shape[1], x.Shape[2], x.Data, in[1].Data, out.Data, e)
		return
	}
	k.conv.Forward(x.Shape[0], x.Shape[1], x.Shape[2], x.Data, out.Data, elementwise.Epilogue{Residual: values(in, 1), Activation: k.activation})
}

// ByBatch reports whether the number of pictures may change the last bits.
func (k *convKernel) ByBatch() bool { return k.conv.ByBatch() }

// ONNX is Conv, and the activation's operators if the convolution has one.
func (c *Conv) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	w, err := e.Parameter(c.Weight.Value.Data)
	if err != nil {
		return "", err
	}
	bias, err := e.Parameter(data(c.Bias))
	if err != nil {
		return "", err
	}
	conv := name
	if c.Activation != Identity {
		conv += "_conv"
	}
	y := e.Conv(conv, in[0], w, bias, onnx.Window{Size: c.Weight.Value.Shape[0], Stride: c.Stride, Pad: c.Pad, Same: c.Same}, 1)
	return epilogue(e, name, y, nil, c.Activation), nil
}

// MACs is OH·OW·KH·KW·C·K for each picture.
func (c *Conv) MACs(in [][]int) float64 {
	g := c.geometry(in[0])
	oh, ow := g.Out()
	return float64(g.N) * float64(oh) * float64(ow) * float64(c.Weight.Value.Len())
}

// WithActivation returns the convolution followed by a: in inference any, on a
// tape ReLU.
func (c *Conv) WithActivation(m graph.Mode, a Activation) graph.Op {
	if !c.Activation.fuses(m, a) {
		return nil
	}
	d := *c
	d.Activation = a
	return &d
}

// TakesResidual reports true in inference.
func (c *Conv) TakesResidual(m graph.Mode) bool {
	return m.Use == graph.Inference && c.Activation == Identity
}

// WithNorm returns the convolution followed by a batch norm. The weights stay as
// they are until they are packed.
func (c *Conv) WithNorm(scale, shift []float32) graph.Op {
	if c.Activation != Identity || len(scale) != c.Weight.Value.Dim(-1) {
		return nil
	}
	d := *c
	d.folded = c.folded.then(data(c.Bias), scale, shift)
	return &d
}

// reluOr is ReLU or Identity, as kernels take it.
func reluOr(relu bool) elementwise.Activation {
	if relu {
		return elementwise.ReLU
	}
	return elementwise.Identity
}

// convSaved is what the backward pass of a Conv needs.
type convSaved struct {
	x *autograd.Variable
	g conv.Conv
	c *Conv
}

func convBackward(tp *autograd.Tape, y *autograd.Variable, v *convSaved) {
	c := v.c
	if c.Activation == ReLU {
		c.gradients(tp, v.x, v.g, tp.ReLUBackward(y)[0].DZ, c.masksInput)
		tp.ReleaseReLU(y)
		return
	}
	dy := y.Grad.Data
	if trains(c.Bias) {
		c.Bias.AddGrad(tp, func(db []float32) {
			tp.TimedBackward("bias+relu", func() { elementwise.SumRows(dy, y.Rows(), v.g.K, db) })
		})
	}
	c.gradients(tp, v.x, v.g, dy, c.masksInput)
}

// gradients computes the gradients of the weights and of the input x from that of
// the result, dy, each if it is wanted. x's adds to what other readers of x have
// contributed, or with masked goes on through the ReLU that x is the result of.
func (c *Conv) gradients(tp *autograd.Tape, x *autograd.Variable, g conv.Conv, dy []float32, masked bool) {
	w := c.Weight
	if w.RequiresGrad {
		xs := tp.Saved(x)
		w.AddGrad(tp, func(dw []float32) {
			tp.TimedBackward("conv weights", func() { g.BackwardWeights(xs, dy, dw) })
		})
	}
	if !x.NeedsGrad() {
		return
	}
	tp.TimedBackward("conv data", func() {
		switch {
		case masked:
			tp.DeliverReLU(x, false, func(other []float32, to *autograd.ReLUGrad) {
				g.BackwardData(dy, w.Value.Data, elementwise.InputGrad{DX: other, ReLU: to})
			})
		case x.Grad != nil:
			g.BackwardData(dy, w.Value.Data, elementwise.InputGrad{DX: x.Grad.Data, Add: true})
		default:
			g.BackwardData(dy, w.Value.Data, elementwise.InputGrad{DX: tp.GradBuffer(x).Data})
		}
	})
}

// Rewrites takes the gradient of the input through the ReLU before, and the factors of a
// squeeze-and-excitation before into a 1×1 convolution.
func (c *Conv) Rewrites() []graph.Rewrite { return convRewrites }

var convRewrites = []graph.Rewrite{{Name: "conv(scale)", Uses: graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	c, in := p.Op(v).(*Conv), p.Inputs(v)
	if _, ok := p.Op(in[0]).(ScaleChannels); !ok || c.scaled || p.Readers(in[0]) > 1 {
		return false
	}
	if !c.pointwise() {
		return false
	}
	d := *c
	d.scaled = true
	p.Replace(v, &d, append(slices.Clone(p.Inputs(in[0])), in[1:]...)...)
	return true
}}, {Name: "backward of conv(relu)", Uses: graph.OnTape, Apply: func(p *graph.Plan, v graph.Value) bool {
	c := p.Op(v).(*Conv)
	if c.masksInput || !onlyReaderOfReLU(p, v) {
		return false
	}
	d := *c
	d.masksInput = true
	p.Replace(v, &d, p.Inputs(v)...)
	return true
}}}

func (c *Conv) endsInReLU() bool { return c.Activation == ReLU }
