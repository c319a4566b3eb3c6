package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// GlobalPool reduces each map of x [N,H,W,C] to one value, its average, or its
// maximum if Max is set: [N,C].
type GlobalPool struct{ Max bool }

// Name is "pool".
func (o GlobalPool) Name() string { return "pool" }

// Shape is [N,C].
func (o GlobalPool) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a global pool", in[0]); err != nil {
		return nil, err
	}
	return append(dst, in[0][0], in[0][3]), nil
}

// Forward pools in[0].
func (o GlobalPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	if o.Max {
		return autograd.GlobalMaxPool(tp, in[0])
	}
	return autograd.GlobalAvgPool(tp, in[0])
}

// Compile prepares nothing.
func (o GlobalPool) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { o.run(in[0], out.Data) })
}

func (o GlobalPool) run(x *tensor.Tensor, y []float32) {
	g := pool.Global{N: x.Shape[0], HW: x.Shape[1] * x.Shape[2], C: x.Shape[3]}
	if o.Max {
		g.Max(x.Data, y, nil)
		return
	}
	g.Avg(x.Data, y)
}

// ONNX is GlobalMaxPool or GlobalAveragePool, and Flatten.
func (o GlobalPool) ONNX(e *graph.Exporter, name string, in []weights.Value) (weights.Value, error) {
	if o.Max {
		return e.Flatten(name, e.GlobalMaxPool(name+"_map", in[0])), nil
	}
	return e.Flatten(name, e.GlobalAveragePool(name+"_map", in[0])), nil
}

// MACs is 0.
func (o GlobalPool) MACs([][]int) float64 { return 0 }
