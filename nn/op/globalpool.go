package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// GlobalPool reduces each map of x [N,H,W,C] to one value, its average, or its
// maximum if Max is set: [N,C], or [N,1,1,C] if Keep is.
type GlobalPool struct{ Max, Keep bool }

// Name is "pool".
func (o GlobalPool) Name() string { return "pool" }

// Shape is [N,C] or [N,1,1,C].
func (o GlobalPool) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a global pool", in[0]); err != nil {
		return nil, err
	}
	if o.Keep {
		return append(dst, in[0][0], 1, 1, in[0][3]), nil
	}
	return append(dst, in[0][0], in[0][3]), nil
}

// Forward pools in[0].
func (o GlobalPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	if o.Max {
		return globalMaxForward(tp, in[0], o.Keep)
	}
	return globalAvgForward(tp, in[0], o.Keep)
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

// ONNX is GlobalMaxPool or GlobalAveragePool, and Flatten unless Keep is set.
func (o GlobalPool) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	pool := name
	if !o.Keep {
		pool += "_map"
	}
	y := onnx.Value("")
	if o.Max {
		y = e.GlobalMaxPool(pool, in[0])
	} else {
		y = e.GlobalAveragePool(pool, in[0])
	}
	if o.Keep {
		return y, nil
	}
	return e.Flatten(name, y), nil
}

// MACs is 0.
func (o GlobalPool) MACs([][]int) float64 { return 0 }

// globalAvgForward averages x [N,H,W,C] over the picture: [N,C] or [N,1,1,C]. It is torch's
// AdaptiveAvgPool2d(1) followed by flatten.
func globalAvgForward(tp *autograd.Tape, x *autograd.Variable, keep bool) *autograd.Variable {
	g := globalShape(x)
	y := newPooled(tp, g, keep)
	tp.Timed("pool", func() { g.Avg(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "pool", y, x.NeedsGrad(), nil, x, func(tp *autograd.Tape, y *autograd.Variable, x **autograd.Variable) {
		tp.AddGrad(*x, func(dx []float32) { globalShape(*x).AvgBackward(y.Grad.Data, dx, false) })
	})
	return y
}

// globalMaxForward takes the maximum of each channel of x [N,H,W,C]: [N,C] or
// [N,1,1,C].
func globalMaxForward(tp *autograd.Tape, x *autograd.Variable, keep bool) *autograd.Variable {
	g := globalShape(x)
	y := newPooled(tp, g, keep)
	held := tp.New(g.N * g.C) // an int32 each, in a float buffer
	argmax := autograd.Int32s(held.Value.Data)
	tp.Timed("pool", func() { g.Max(x.Value.Data, y.Value.Data, argmax) })
	autograd.Record(tp, "pool", y, x.NeedsGrad(), []*autograd.Variable{held}, maxima{x, argmax}, func(tp *autograd.Tape, y *autograd.Variable, p *maxima) {
		tp.AddGrad(p.x, func(dx []float32) { globalShape(p.x).MaxBackward(y.Grad.Data, p.argmax, dx, false) })
	})
	tp.Free(held)
	return y
}

// newPooled returns the place of the result.
func newPooled(tp *autograd.Tape, g pool.Global, keep bool) *autograd.Variable {
	if keep {
		return tp.New(g.N, 1, 1, g.C)
	}
	return tp.New(g.N, g.C)
}

func globalShape(x *autograd.Variable) pool.Global {
	s := x.Shape()
	if len(s) != 4 {
		panic(fmt.Sprintf("op: global pooling of shape %v, want [N,H,W,C]", s))
	}
	return pool.Global{N: s[0], HW: s[1] * s[2], C: s[3]}
}
