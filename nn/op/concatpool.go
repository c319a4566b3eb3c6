package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// ConcatPool is the maximum of each channel of x [N,H,W,C], then the average of
// each: [N,2C]. It is what joined GlobalPools become on a tape.
type ConcatPool struct{}

// Name is "pool".
func (ConcatPool) Name() string { return "pool" }

// Shape is [N,2C].
func (ConcatPool) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a global pool", in[0]); err != nil {
		return nil, err
	}
	return append(dst, in[0][0], 2*in[0][3]), nil
}

// Forward pools in[0].
func (ConcatPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return concatPoolForward(tp, in[0])
}

// Compile prepares nothing.
func (ConcatPool) Compile(c *graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		n, width := in[0].Shape[0], in[0].Shape[3]
		c.Scratch(n*width, func(s []float32) {
			for i, o := range []GlobalPool{{Max: true}, {}} {
				o.run(in[0], s)
				elementwise.CopyStrided(out.Data[i*width:], 2*width, s, width, width, n)
			}
		})
	})
}

// ONNX is GlobalMaxPool, GlobalAveragePool, Flatten for both, and Concat.
func (ConcatPool) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	mx, err := GlobalPool{Max: true}.ONNX(e, name+"_max", in)
	if err != nil {
		return "", err
	}
	av, err := GlobalPool{}.ONNX(e, name+"_average", in)
	if err != nil {
		return "", err
	}
	return e.Concat(name, 1, mx, av), nil
}

// MACs is 0.
func (ConcatPool) MACs([][]int) float64 { return 0 }

// fuseConcatPool makes a ConcatPool of the maximum and the average of one value.
func fuseConcatPool(p *graph.Plan, v graph.Value) bool {
	in := p.Inputs(v)
	if len(in) != 2 || p.Op(in[0]) != (GlobalPool{Max: true}) || p.Op(in[1]) != (GlobalPool{}) {
		return false
	}
	x := p.Inputs(in[0])[0]
	if p.Inputs(in[1])[0] != x || p.Readers(in[0]) > 1 || p.Readers(in[1]) > 1 {
		return false
	}
	p.Replace(v, ConcatPool{}, x)
	return true
}

// concatPoolForward is fastai's AdaptiveConcatPool2d(1) followed by flatten: the
// maximum of each channel of x [N,H,W,C], then the average of each: [N,2C].
func concatPoolForward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	g := globalShape(x)
	n, c := g.N, g.C
	y := tp.New(n, 2*c)
	mx, av := tp.New(n, c), tp.New(n, c)
	held := tp.New(g.N * g.C) // an int32 each, in a float buffer
	argmax := autograd.Int32s(held.Value.Data)
	tp.Timed("pool", func() {
		g.Max(x.Value.Data, mx.Value.Data, argmax)
		g.Avg(x.Value.Data, av.Value.Data)
		elementwise.CopyStrided(y.Value.Data, 2*c, mx.Value.Data, c, c, n)
		elementwise.CopyStrided(y.Value.Data[c:], 2*c, av.Value.Data, c, c, n)
	})
	tp.Release(mx)
	tp.Release(av)
	autograd.Record(tp, "pool", y, x.NeedsGrad(), []*autograd.Variable{held}, maxima{x, argmax}, concatPoolBackward)
	tp.Free(held)
	return y
}

// maxima is what the backward pass of a ConcatPool or GlobalMaxPool needs.
type maxima struct {
	x      *autograd.Variable
	argmax []int32
}

func concatPoolBackward(tp *autograd.Tape, y *autograd.Variable, p *maxima) {
	g := globalShape(p.x)
	n, c := g.N, g.C
	dmx, dav := tp.New(n, c), tp.New(n, c)
	elementwise.CopyStrided(dmx.Value.Data, c, y.Grad.Data, 2*c, c, n)
	elementwise.CopyStrided(dav.Value.Data, c, y.Grad.Data[c:], 2*c, c, n)
	tp.AddGrad(p.x, func(dx []float32) {
		g.MaxBackward(dmx.Value.Data, p.argmax, dx, false)
		g.AvgBackward(dav.Value.Data, dx, true)
	})
	tp.Release(dmx)
	tp.Release(dav)
}
