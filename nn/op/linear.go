package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Linear is x·Weightᵀ + Bias for x [N,in], Weight [out,in] and Bias [out], which
// may be nil: [N,out].
type Linear struct {
	Weight, Bias *autograd.Parameter
	Activation   Activation // applied to the result
}

// Name is "linear".
func (l *Linear) Name() string { return "linear" }

// Shape is [N,out].
func (l *Linear) Shape(dst []int, in [][]int) ([]int, error) {
	if err := l.Activation.check(); err != nil {
		return nil, err
	}
	s, w := in[0], l.Weight.Value.Shape
	if len(s) != 2 {
		return nil, fmt.Errorf("input of shape %v reaches a linear layer, want [N,%d]", s, w[1])
	}
	if s[1] != w[1] {
		return nil, fmt.Errorf("%d features reach a linear layer for %d", s[1], w[1])
	}
	return append(dst, s[0], w[0]), nil
}

// Trains reports whether the weight or the bias trains.
func (l *Linear) Trains() bool { return trains(l.Weight, l.Bias) }

// Switches are the parameters' RequiresGrad.
func (l *Linear) Switches() []*bool { return switches(l.Weight, l.Bias) }

// Forward maps in[0].
func (l *Linear) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return after(tp, linearForward(tp, in[0], l.Weight, l.Bias), l.Activation)
}

// Compile packs the weights, as those of a 1×1 convolution of maps of one pixel.
func (l *Linear) Compile(c *graph.Compiler) graph.Kernel {
	w := l.Weight.Value
	out, in := w.Shape[0], w.Shape[1]
	t := make([]float32, len(w.Data))
	for i := range out {
		for j := range in {
			t[j*out+i] = w.Data[i*in+j]
		}
	}
	packed := conv.Pack(c.Hold, conv.Conv{C: in, K: out, KH: 1, KW: 1, Stride: 1}, t, data(l.Bias))
	e := elementwise.Epilogue{Activation: elementwise.Activation(l.Activation)}
	return graph.Run(func(in []*tensor.Tensor, y *tensor.Tensor) {
		packed.Forward(y.Shape[0], 1, 1, in[0].Data, y.Data, e)
	})
}

// ONNX is Gemm, and the activation's operators if the layer has one.
func (l *Linear) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	w, err := e.Parameter(l.Weight.Value.Data)
	if err != nil {
		return "", err
	}
	bias, err := e.Parameter(data(l.Bias))
	if err != nil {
		return "", err
	}
	product := name
	if l.Activation != Identity {
		product += "_linear"
	}
	return epilogue(e, name, e.Linear(product, in[0], w, bias), nil, l.Activation), nil
}

// MACs is in·out for each picture.
func (l *Linear) MACs(in [][]int) float64 { return float64(in[0][0]) * float64(l.Weight.Value.Len()) }

// WithActivation returns the layer followed by a, in inference.
func (l *Linear) WithActivation(m graph.Mode, a Activation) graph.Op {
	if m.Use != graph.Inference || !l.Activation.fuses(m, a) {
		return nil
	}
	return &Linear{l.Weight, l.Bias, a}
}

// linearForward is x·wᵀ + bias for x [N,in], w [out,in] and bias [out] (or nil), as
// torch's Linear: [N,out].
func linearForward(tp *autograd.Tape, x *autograd.Variable, w, bias *autograd.Parameter) *autograd.Variable {
	if len(x.Value.Shape) != 2 || x.Value.Shape[1] != w.Value.Shape[1] {
		panic(fmt.Sprintf("op: linear layer with weights %v on input %v", w.Value.Shape, x.Value.Shape))
	}
	n, in, out := x.Value.Shape[0], x.Value.Shape[1], w.Value.Shape[0]
	y := tp.New(n, out)
	tp.Timed("linear", func() {
		gemm.MatMul{M: n, N: out, K: in, TransB: true}.Multiply(x.Value.Data, w.Value.Data, y.Value.Data)
		if bias != nil {
			elementwise.AddBias(y.Value.Data, n, out, bias.Value.Data, y.Value.Data)
		}
	})
	needs := x.NeedsGrad() || w.RequiresGrad || (bias != nil && bias.RequiresGrad)
	var reads []*autograd.Variable
	if w.RequiresGrad {
		reads = append(reads, x)
	}
	autograd.Record(tp, "linear", y, needs, reads, linearSaved{x, w, bias}, linearBackward)
	return y
}

// linearSaved is what the backward pass of a Linear needs.
type linearSaved struct {
	x       *autograd.Variable
	w, bias *autograd.Parameter
}

func linearBackward(tp *autograd.Tape, y *autograd.Variable, l *linearSaved) {
	dy, x, w := y.Grad.Data, l.x, l.w
	n, in, out := x.Shape()[0], x.Shape()[1], w.Value.Shape[0]
	if l.bias != nil && l.bias.RequiresGrad {
		l.bias.AddGrad(tp, func(db []float32) { elementwise.SumRows(dy, n, out, db) })
	}
	if w.RequiresGrad {
		w.AddGrad(tp, func(dw []float32) { gemm.MatMul{M: out, N: in, K: n, TransA: true}.Multiply(dy, tp.Saved(x), dw) })
	}
	if x.NeedsGrad() {
		tp.AddGrad(x, func(dx []float32) { gemm.MatMul{M: n, N: in, K: out}.Multiply(dy, w.Value.Data, dx) })
	}
}
