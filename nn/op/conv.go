package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Conv is a 2-D convolution of x [N,H,W,C] with Weight [KH,KW,C,K] plus Bias [K],
// which may be nil: [N,OH,OW,K]. Stride and zero padding are the same in both
// directions. In inference it may add a second input, of the result's shape.
type Conv struct {
	Weight, Bias *autograd.Parameter
	Stride, Pad  int
	ReLU         bool // applied to the result

	folded *affine // what a batch norm does to the result, in inference
}

// affine is y = x*scale + shift for each channel.
type affine struct{ scale, shift []float32 }

// Name is "conv".
func (c *Conv) Name() string { return "conv" }

// Shape is [N,OH,OW,K].
func (c *Conv) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a convolution", in[0]); err != nil {
		return nil, err
	}
	g := c.geometry(in[0])
	if in[0][3] != g.C {
		return nil, fmt.Errorf("%d channels reach a convolution for %d", in[0][3], g.C)
	}
	oh, ow := g.Out()
	if min(g.H, g.W)+2*g.Pad < g.KH || oh < 1 || ow < 1 { // Out rounds towards 0
		return nil, tooSmall(g.H, g.W, g.KH, "convolution")
	}
	return append(dst, g.N, oh, ow, g.K), nil
}

// geometry is the convolution of maps of shape s; of none, without their sizes.
func (c *Conv) geometry(s []int) conv.Conv {
	w := c.Weight.Value.Shape
	g := conv.Conv{C: w[2], K: w[3], KH: w[0], KW: w[1], Stride: c.Stride, Pad: c.Pad}
	if s != nil {
		g.N, g.H, g.W = s[0], s[1], s[2]
	}
	return g
}

// Trains reports whether the weight or the bias trains.
func (c *Conv) Trains() bool { return trains(c.Weight, c.Bias) }

// Switches are the parameters' RequiresGrad.
func (c *Conv) Switches() []*bool { return switches(c.Weight, c.Bias) }

// Forward convolves in[0].
func (c *Conv) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return autograd.Conv2d(tp, in[0], c.Weight, c.Bias, c.Stride, c.Pad, c.ReLU)
}

// Compile packs the weights.
func (c *Conv) Compile(cc *graph.Compiler) graph.Kernel {
	shape, w, k := c.geometry(nil), c.Weight.Value.Data, &convKernel{relu: c.ReLU}
	if c.folded == nil {
		k.conv = cc.PackConv(shape, w, data(c.Bias))
		return k
	}
	cc.Scratch(len(w), func(scaled []float32) {
		s := c.folded.scale
		for at := 0; at < len(w); at += len(s) {
			for i, v := range s {
				scaled[at+i] = w[at+i] * v
			}
		}
		k.conv = cc.PackConv(shape, scaled, c.folded.shift)
	})
	return k
}

// convKernel is a convolution with packed weights.
type convKernel struct {
	conv *conv.Packed
	relu bool
}

func (k *convKernel) Run(in []*tensor.Tensor, out *tensor.Tensor) {
	x := in[0]
	k.conv.Forward(x.Shape[0], x.Shape[1], x.Shape[2], x.Data, out.Data, elementwise.Epilogue{Residual: values(in, 1), Activation: activation(k.relu)})
}

// ONNX is Conv, and Relu if the convolution has one.
func (c *Conv) ONNX(e *graph.Exporter, name string, in []weights.Value) (weights.Value, error) {
	w, err := e.Parameter(c.Weight.Value.Data)
	if err != nil {
		return "", err
	}
	bias, err := e.Parameter(data(c.Bias))
	if err != nil {
		return "", err
	}
	conv := name
	if c.ReLU {
		conv += "_conv"
	}
	y := e.Conv(conv, in[0], w, bias, weights.Window{Size: c.Weight.Value.Shape[0], Stride: c.Stride, Pad: c.Pad}, 1)
	return epilogue(e, name, y, nil, c.ReLU), nil
}

// MACs is OH·OW·KH·KW·C·K for each picture.
func (c *Conv) MACs(in [][]int) float64 {
	g := c.geometry(in[0])
	oh, ow := g.Out()
	return float64(g.N) * float64(oh) * float64(ow) * float64(c.Weight.Value.Len())
}

// WithReLU returns the convolution followed by ReLU.
func (c *Conv) WithReLU() graph.Op {
	d := *c
	d.ReLU = true
	return &d
}

// TakesResidual reports true in inference.
func (c *Conv) TakesResidual(m graph.Mode) bool { return m.Use == graph.Inference && !c.ReLU }

// withNorm returns the convolution followed by y*scale + shift. The weights stay
// as they are until they are packed.
func (c *Conv) withNorm(scale, shift []float32) *Conv {
	f := &affine{append([]float32(nil), scale...), append([]float32(nil), shift...)}
	for i, s := range scale {
		switch {
		case c.folded != nil:
			f.shift[i] += c.folded.shift[i] * s
			f.scale[i] *= c.folded.scale[i]
		case c.Bias != nil:
			f.shift[i] += c.Bias.Value.Data[i] * s
		}
	}
	d := *c
	d.folded = f
	return &d
}

// activation is ReLU or nothing, as kernels take it.
func activation(relu bool) elementwise.Activation {
	if relu {
		return elementwise.RectifiedUnit
	}
	return elementwise.Identity
}
