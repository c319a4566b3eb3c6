package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// GroupedConv is a 2-D convolution of x [N,H,W,C] whose channels are in groups: each
// K/Groups channels of the result are sums over C/Groups channels of x, with Weight
// [KH,KW,C/Groups,K], plus Bias [K], which may be nil: [N,OH,OW,K]. With one group it
// is the convolution for windows and padding that Conv does not have: those that differ
// between rows and columns.
type GroupedConv struct {
	Weight, Bias *autograd.Parameter
	Groups       int
	Stride       int
	Padding      Padding
	Activation   Activation // applied to the result

	folded *affine // what a batch norm does to the result, in inference
}

// Name is "grouped".
func (c *GroupedConv) Name() string { return "grouped" }

// Shape is [N,OH,OW,K].
func (c *GroupedConv) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a grouped convolution", in[0]); err != nil {
		return nil, err
	}
	if err := c.Activation.check(); err != nil {
		return nil, err
	}
	if w := c.Weight.Value.Shape; c.Groups < 1 || w[3]%c.Groups != 0 {
		return nil, fmt.Errorf("a convolution to %d channels has %d groups, which must divide them", w[3], c.Groups)
	}
	g := c.geometry(in[0])
	if in[0][3] != g.C {
		return nil, fmt.Errorf("%d channels reach a grouped convolution for %d", in[0][3], g.C)
	}
	if g.H+g.Pad.Top+g.Pad.Bottom < g.KH || g.W+g.Pad.Left+g.Pad.Right < g.KW {
		return nil, tooSmall(g.H, g.W, max(g.KH, g.KW), "grouped convolution")
	}
	oh, ow := g.Out()
	return append(dst, g.N, oh, ow, g.K), nil
}

// geometry is the convolution of maps of shape s.
func (c *GroupedConv) geometry(s []int) conv.Grouped {
	g := c.kernel()
	g.N, g.H, g.W = s[0], s[1], s[2]
	g.Pad = ground.Padding(c.Padding.around(s[1], s[2], g.KH, g.KW, c.Stride))
	return g
}

// kernel is the convolution without the maps' size and their padding.
func (c *GroupedConv) kernel() conv.Grouped {
	w := c.Weight.Value.Shape
	return conv.Grouped{C: w[2] * c.Groups, K: w[3], KH: w[0], KW: w[1], Groups: c.Groups, Stride: c.Stride}
}

// Trains reports whether the weight or the bias trains.
func (c *GroupedConv) Trains() bool { return trains(c.Weight, c.Bias) }

// Switches are the parameters' RequiresGrad.
func (c *GroupedConv) Switches() []*bool { return switches(c.Weight, c.Bias) }

// Forward convolves in[0].
func (c *GroupedConv) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	g := c.geometry(x.Shape())
	oh, ow := g.Out()
	y := tp.New(g.N, oh, ow, g.K)
	tp.Timed("grouped", func() {
		g.Forward(x.Value.Data, c.Weight.Value.Data, y.Value.Data, elementwise.Epilogue{Bias: c.Bias.Data()})
	})
	var saved []*autograd.Variable
	if c.Weight.RequiresGrad {
		saved = []*autograd.Variable{x}
	}
	autograd.Record(tp, "grouped", y, x.NeedsGrad() || c.Trains(), saved, groupedSaved{x, g, c}, groupedBackward)
	return after(tp, y, c.Activation)
}

// groupedSaved is what the backward pass of a GroupedConv needs.
type groupedSaved struct {
	x *autograd.Variable
	g conv.Grouped
	c *GroupedConv
}

func groupedBackward(tp *autograd.Tape, y *autograd.Variable, v *groupedSaved) {
	c, dy := v.c, y.Grad.Data
	if trains(c.Bias) {
		c.Bias.AddGrad(tp, func(db []float32) { elementwise.SumRows(dy, y.Rows(), v.g.K, db) })
	}
	if c.Weight.RequiresGrad {
		xs := tp.Saved(v.x)
		c.Weight.AddGrad(tp, func(dw []float32) {
			tp.TimedBackward("grouped weights", func() { v.g.BackwardWeights(xs, dy, dw) })
		})
	}
	if v.x.NeedsGrad() {
		tp.TimedBackward("grouped data", func() {
			if v.x.Grad != nil {
				v.g.BackwardData(dy, c.Weight.Value.Data, v.x.Grad.Data, true)
			} else {
				v.g.BackwardData(dy, c.Weight.Value.Data, tp.GradBuffer(v.x).Data, false)
			}
		})
	}
}

// Compile packs the weights.
func (c *GroupedConv) Compile(cc *graph.Compiler) graph.Kernel {
	k, w := &groupedKernel{c: c}, c.Weight.Value.Data
	if c.folded == nil {
		k.packed = conv.PackGrouped(cc.Hold, c.kernel(), w, data(c.Bias))
		return k
	}
	cc.Scratch(len(w), func(scaled []float32) {
		c.folded.weights(scaled, w)
		k.packed = conv.PackGrouped(cc.Hold, c.kernel(), scaled, c.folded.shift)
	})
	return k
}

// groupedKernel is a grouped convolution with packed weights.
type groupedKernel struct {
	c      *GroupedConv
	packed *conv.PackedGrouped
}

func (k *groupedKernel) Run(in []*tensor.Tensor, out *tensor.Tensor) {
	x := in[0]
	g := k.c.geometry(x.Shape)
	k.packed.Forward(g.N, g.H, g.W, g.Pad, x.Data, out.Data, elementwise.Epilogue{Activation: elementwise.Activation(k.c.Activation)})
}

// ONNX is Conv with groups, and the activation's operators.
func (c *GroupedConv) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return exportConv(e, name, in[0], c.Weight, c.Bias, c.Groups, c.Stride, c.Padding, c.Activation)
}

// MACs is OH·OW·KH·KW·(C/Groups)·K for each picture.
func (c *GroupedConv) MACs(in [][]int) float64 {
	g := c.geometry(in[0])
	oh, ow := g.Out()
	return float64(g.N) * float64(oh) * float64(ow) * float64(c.Weight.Value.Len())
}

// WithActivation returns the convolution followed by a, in inference.
func (c *GroupedConv) WithActivation(m graph.Mode, a Activation) graph.Op {
	if m.Use != graph.Inference || c.Activation != Identity {
		return nil
	}
	d := *c
	d.Activation = a
	return &d
}

// WithNorm returns the convolution followed by a batch norm. The weights stay as they
// are until they are packed.
func (c *GroupedConv) WithNorm(scale, shift []float32) graph.Op {
	if c.Activation != Identity || len(scale) != c.Weight.Value.Dim(-1) {
		return nil
	}
	d := *c
	d.folded = c.folded.then(data(c.Bias), scale, shift)
	return &d
}
