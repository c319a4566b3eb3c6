package op

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// ConvBranches is several convolutions of one x [N,H,W,C], whose results are
// joined along the channels, as SqueezeNet's Fire expands: each writes straight
// to its place. On a tape all have ReLU.
type ConvBranches struct {
	convs      []*Conv
	masksInput bool // as Conv's
}

// NewConvBranches joins convolutions, one or more.
func NewConvBranches(convs ...*Conv) *ConvBranches { return &ConvBranches{convs: convs} }

// Name is "conv".
func (b *ConvBranches) Name() string { return "conv" }

// Shape is [N,OH,OW,K], K being the sum of all channels.
func (b *ConvBranches) Shape(dst []int, in [][]int) ([]int, error) {
	dst, err := b.convs[0].Shape(dst, in)
	if err != nil {
		return nil, err
	}
	s := dst[len(dst)-4:]
	for _, c := range b.convs[1:] {
		g := c.geometry(in[0])
		if g.C != in[0][3] {
			return c.Shape(nil, in) // the error
		}
		if oh, ow := g.Out(); oh != s[1] || ow != s[2] {
			return nil, fmt.Errorf("convolutions to join give maps of %d×%d and %d×%d", s[1], s[2], oh, ow)
		}
		s[3] += g.K
	}
	return dst, nil
}

// Trains reports whether a parameter trains.
func (b *ConvBranches) Trains() bool {
	for _, c := range b.convs {
		if c.Trains() {
			return true
		}
	}
	return false
}

// Switches are those of all convolutions.
func (b *ConvBranches) Switches() []*bool {
	var s []*bool
	for _, c := range b.convs {
		s = append(s, c.Switches()...)
	}
	return s
}

// Forward runs all convolutions on in[0]; each result goes straight to its place.
func (b *ConvBranches) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	width := 0
	for _, c := range b.convs {
		width += c.Weight.Value.Dim(-1)
	}
	oh, ow := b.convs[0].geometry(x.Shape()).Out()
	y := tp.New(x.Shape()[0], oh, ow, width)
	saved := [2]*autograd.Variable{y}
	offset := 0
	for _, c := range b.convs {
		g := c.geometry(x.Shape())
		y.SetReLU(autograd.ReLUPart{C: g.K, Bias: c.Bias})
		tp.Timed("conv", func() {
			g.Forward(x.Value.Data, c.Weight.Value.Data, y.Value.Data[offset:], elementwise.Epilogue{Bias: c.Bias.Data(), Activation: elementwise.ReLU, Stride: width})
		})
		offset += g.K
		if c.Weight.RequiresGrad {
			saved[1] = x
		}
	}
	autograd.Record(tp, "conv", y, x.NeedsGrad() || b.Trains(), saved[:], branchesSaved{x, b}, branchesBackward)
	return y
}

// Compile packs the weights of all.
func (b *ConvBranches) Compile(c *graph.Compiler) graph.Kernel {
	var k branchKernels
	for _, conv := range b.convs {
		k = append(k, branchKernel{conv.Compile(c).(*convKernel), conv.Weight.Value.Dim(-1)})
	}
	return k
}

type branchKernels []branchKernel

// branchKernel is a convolution with its number of channels.
type branchKernel struct {
	*convKernel
	channels int
}

func (k branchKernels) Run(in []*tensor.Tensor, out *tensor.Tensor) {
	x, offset := in[0], 0
	for _, b := range k {
		b.conv.Forward(x.Shape[0], x.Shape[1], x.Shape[2], x.Data, out.Data[offset:],
			elementwise.Epilogue{Activation: b.activation, Stride: out.Dim(-1)})
		offset += b.channels
	}
}

// ByBatch reports it of any of the convolutions.
func (k branchKernels) ByBatch() bool {
	return slices.ContainsFunc(k, func(b branchKernel) bool { return b.ByBatch() })
}

// ONNX is Conv and the activation for each, and Concat.
func (b *ConvBranches) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	var all []onnx.Value
	for i, c := range b.convs {
		y, err := c.ONNX(e, fmt.Sprintf("%s_branch%d", name, i), in)
		if err != nil {
			return "", err
		}
		all = append(all, y)
	}
	return e.Concat(name, 1, all...), nil
}

// MACs are those of all convolutions.
func (b *ConvBranches) MACs(in [][]int) float64 {
	n := 0.0
	for _, c := range b.convs {
		n += c.MACs(in)
	}
	return n
}

// fuseBranches makes ConvBranches of a concatenation of convolutions that read
// the same value and are read by nothing else.
func fuseBranches(p *graph.Plan, v graph.Value) bool {
	in := p.Inputs(v)
	var convs []*Conv
	for _, i := range in {
		c, ok := p.Op(i).(*Conv)
		if !ok || p.Readers(i) > 1 || len(p.Inputs(i)) > 1 || p.Inputs(i)[0] != p.Inputs(in[0])[0] || p.Mode.Use == graph.OnTape && c.Activation != ReLU {
			return false
		}
		convs = append(convs, c)
	}
	p.Replace(v, NewConvBranches(convs...), p.Inputs(in[0])[0])
	return true
}

// branchesSaved is what the backward pass of ConvBranches needs.
type branchesSaved struct {
	x *autograd.Variable
	b *ConvBranches
}

func branchesBackward(tp *autograd.Tape, y *autograd.Variable, v *branchesSaved) {
	dz := tp.ReLUBackward(y)
	// The first branch comes last: in a Fire it is 1x1, and what these leave may go
	// through x's ReLU on the way.
	for i := len(v.b.convs) - 1; i >= 0; i-- {
		c := v.b.convs[i]
		c.gradients(tp, v.x, c.geometry(v.x.Shape()), dz[i].DZ, i == 0 && v.b.masksInput)
	}
	tp.ReleaseReLU(y)
}

// Rewrites takes the gradient of the input through the ReLU before.
func (b *ConvBranches) Rewrites() []graph.Rewrite { return branchesRewrites }

var branchesRewrites = []graph.Rewrite{{Name: "backward of branches(relu)", Uses: graph.OnTape, Apply: func(p *graph.Plan, v graph.Value) bool {
	b := p.Op(v).(*ConvBranches)
	if b.masksInput || !onlyReaderOfReLU(p, v) {
		return false
	}
	d := *b
	d.masksInput = true
	p.Replace(v, &d, p.Inputs(v)...)
	return true
}}}

func (b *ConvBranches) endsInReLU() bool { return true }
