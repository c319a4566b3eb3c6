package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// MaxPool takes the maximum over Kernel×Kernel windows of x [N,H,W,C]; padding
// never wins. Ceil rounds the size of the result up instead of down.
type MaxPool struct {
	Kernel, Stride, Pad int
	Ceil                bool
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
	return autograd.MaxPool2d(tp, in[0], m.Kernel, m.Stride, m.Pad, m.Ceil)
}

// Compile prepares nothing.
func (m MaxPool) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		s := in[0].Shape
		p := pool.Max{N: s[0], H: s[1], W: s[2], C: s[3], K: m.Kernel, Stride: m.Stride, Pad: m.Pad, Ceil: m.Ceil}
		p.Forward(in[0].Data, out.Data, nil)
	})
}

// ONNX is MaxPool.
func (m MaxPool) ONNX(e *graph.Exporter, name string, in []weights.Value) (weights.Value, error) {
	return e.MaxPool(name, in[0], weights.Window{Size: m.Kernel, Stride: m.Stride, Pad: m.Pad}, m.Ceil), nil
}

// MACs is 0.
func (m MaxPool) MACs([][]int) float64 { return 0 }

// Rewrites make stems: the first layers of a network, whose maps are its largest,
// as one operation.
func (m MaxPool) Rewrites() []graph.Rewrite { return stemRewrites }

var stemRewrites = []graph.Rewrite{
	{Name: "maxpool(relu(norm))", Uses: graph.OnTape, Apply: fuseNormStem},
	{Name: "maxpool(relu(conv))", Uses: graph.OnTape, Apply: fuseConvStem},
}
