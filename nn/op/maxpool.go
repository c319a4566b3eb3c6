package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// MaxPool takes the maximum over Kernel×Kernel windows of x [N,H,W,C]; padding
// never wins. Ceil rounds the size of the result up instead of down.
type MaxPool struct {
	Kernel, Stride, Pad int
	Ceil                bool

	masksInput bool // as Conv's
}

// Name is "pool".
func (m MaxPool) Name() string { return "pool" }

// Shape is [N,OH,OW,C].
func (m MaxPool) Shape(dst []int, in [][]int) ([]int, error) {
	s := in[0]
	if err := wantMap("a max pool", s); err != nil {
		return nil, err
	}
	oh, ow := pool.Out(s[1], m.Kernel, m.Stride, m.Pad, m.Ceil), pool.Out(s[2], m.Kernel, m.Stride, m.Pad, m.Ceil)
	if oh < 1 || ow < 1 {
		return nil, tooSmall(s[1], s[2], m.Kernel, "max pool")
	}
	return append(dst, s[0], oh, ow, s[3]), nil
}

// Forward pools in[0].
func (m MaxPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	p := m.geometry(x.Shape())
	oh, ow := p.Out()
	y := tp.New(p.N, oh, ow, p.C)
	var argmax []uint8
	var held *autograd.Variable
	if x.NeedsGrad() && tp.Record {
		held = tp.New((y.Value.Len() + 3) / 4) // a byte each, in a float buffer
		argmax = autograd.Bytes(held.Value.Data)[:y.Value.Len()]
	}
	p.OfReLU = m.masksInput // the backward pass then skips what the ReLU before made 0
	tp.Timed("pool", func() { p.Forward(x.Value.Data, y.Value.Data, argmax) })
	autograd.Record(tp, "pool", y, x.NeedsGrad(), []*autograd.Variable{held}, maxPoolSaved{x, argmax, p}, maxPoolBackward)
	return y
}

// geometry is the pooling of maps of shape s.
func (m MaxPool) geometry(s []int) pool.Max {
	return pool.Max{N: s[0], H: s[1], W: s[2], C: s[3], K: m.Kernel, Stride: m.Stride, Pad: m.Pad, Ceil: m.Ceil}
}

// Compile prepares nothing.
func (m MaxPool) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		p := m.geometry(in[0].Shape)
		p.Forward(in[0].Data, out.Data, nil)
	})
}

// ONNX is MaxPool.
func (m MaxPool) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	return e.MaxPool(name, in[0], onnx.Window{Size: m.Kernel, Stride: m.Stride, Pad: m.Pad}, m.Ceil), nil
}

// MACs is 0.
func (m MaxPool) MACs([][]int) float64 { return 0 }

// Rewrites make stems: the first layers of a network, whose maps are its largest,
// as one operation; and take the gradient of the input through the ReLU before.
func (m MaxPool) Rewrites() []graph.Rewrite { return stemRewrites }

var stemRewrites = []graph.Rewrite{
	{Name: "maxpool(relu(norm))", Uses: graph.OnTape, Apply: fuseNormStem},
	{Name: "maxpool(relu(conv))", Uses: graph.OnTape | graph.Inference, Apply: fuseConvStem},
	{Name: "backward of maxpool(relu)", Uses: graph.OnTape, Apply: maskMaxPool},
}

// maskMaxPool lets the backward pass apply the ReLU's mask, for which a position in
// the window must leave room: at most 15×15 of them.
func maskMaxPool(p *graph.Plan, v graph.Value) bool {
	m := p.Op(v).(MaxPool)
	if m.masksInput || m.Kernel > maxStemKernel || !onlyReaderOfReLU(p, v) {
		return false
	}
	m.masksInput = true
	p.Replace(v, m, p.Inputs(v)...)
	return true
}

// maxStemKernel is the largest window of a max pool that goes with a ReLU: a
// position in it, and "nowhere", fit a byte.
const maxStemKernel = 15

// maxPoolSaved is what the backward pass of a MaxPool needs.
type maxPoolSaved struct {
	x      *autograd.Variable
	argmax []uint8
	p      pool.Max
}

func maxPoolBackward(tp *autograd.Tape, y *autograd.Variable, p *maxPoolSaved) {
	dy := y.Grad.Data
	if p.p.OfReLU {
		tp.DeliverReLU(p.x, true, func(_ []float32, to *autograd.ReLUGrad) {
			p.p.Backward(dy, p.argmax, elementwise.InputGrad{ReLU: to})
		})
		return
	}
	tp.AddGrad(p.x, func(dx []float32) { p.p.Backward(dy, p.argmax, elementwise.InputGrad{DX: dx}) })
}
