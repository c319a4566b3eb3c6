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

// Linear is x·Weightᵀ + Bias for Weight [out,in] and Bias [out], which may be nil,
// and x of vectors [N,in], tokens [N,T,in] or maps [N,H,W,in]: of x's shape with out
// for in. Where a plan lets it, it scales its result by channel (LayerScale) and adds
// a second input, of the result's shape.
type Linear struct {
	Weight, Bias *autograd.Parameter
	Activation   Activation // applied to the result

	folded *affine             // what is done to the result's channels, in inference
	scale  *autograd.Parameter // what the result's channels are multiplied by, on a tape; the plan's
}

// Name is "linear".
func (l *Linear) Name() string { return "linear" }

// Shape is that of x, with out for in.
func (l *Linear) Shape(dst []int, in [][]int) ([]int, error) {
	if err := l.Activation.check(); err != nil {
		return nil, err
	}
	s, w := in[0], l.Weight.Value.Shape
	if len(s) < 2 || len(s) > 4 {
		return nil, fmt.Errorf("input of shape %v reaches a linear layer, want [N,%d], [N,T,%d] or [N,H,W,%d]", s, w[1], w[1], w[1])
	}
	last := len(s) - 1
	if s[last] != w[1] {
		return nil, fmt.Errorf("%d features reach a linear layer for %d", s[last], w[1])
	}
	return append(append(dst, s[:last]...), w[0]), nil
}

// Trains reports whether the weight or the bias trains.
func (l *Linear) Trains() bool { return trains(l.Weight, l.Bias, l.scale) }

// Switches are the parameters' RequiresGrad.
func (l *Linear) Switches() []*bool { return switches(l.Weight, l.Bias, l.scale) }

// Forward maps in[0].
func (l *Linear) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	if len(in[0].Shape()) == 2 && len(in) == 1 && l.scale == nil {
		return after(tp, linearForward(tp, in[0], l.Weight, l.Bias), l.Activation)
	}
	return after(tp, l.rowsForward(tp, in), l.Activation)
}

// Compile packs the weights, as those of a 1×1 convolution.
func (l *Linear) Compile(c *graph.Compiler) graph.Kernel {
	w := l.Weight.Value
	out, in := w.Shape[0], w.Shape[1]
	k := &linearKernel{activation: elementwise.Activation(l.Activation)}
	c.Scratch(len(w.Data), func(t []float32) {
		for i := range out {
			s := float32(1)
			if l.folded != nil {
				s = l.folded.scale[i]
			}
			for j := range in {
				t[j*out+i] = w.Data[i*in+j] * s
			}
		}
		bias := data(l.Bias)
		if l.folded != nil {
			bias = l.folded.shift
		}
		k.packed = conv.Pack(c.Hold, conv.Conv{C: in, K: out, KH: 1, KW: 1, Stride: 1}, t, bias)
	})
	return k
}

// linearKernel is a linear layer with packed weights.
type linearKernel struct {
	packed     *conv.Packed
	activation elementwise.Activation
}

func (k *linearKernel) Run(in []*tensor.Tensor, y *tensor.Tensor) {
	e := elementwise.Epilogue{Residual: values(in, 1), Activation: k.activation}
	if len(y.Shape) == 2 {
		k.packed.Forward(y.Shape[0], 1, 1, in[0].Data, y.Data, e)
		return
	}
	k.packed.Forward(1, 1, tensor.Size(y.Shape[:len(y.Shape)-1]...), in[0].Data, y.Data, e)
}

// ONNX is Gemm for vectors, MatMul and Add for tokens, Conv for maps, and the
// activation's operators if the layer has one.
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
	y := onnx.Value("")
	switch s := l.Weight.Value.Shape; len(e.Inputs[0]) {
	case 2:
		y = e.Linear(product, in[0], w, bias)
	case 3:
		right := e.Transpose(product+"_weight", w, 1, 0)
		if bias == "" {
			y = e.MatMul(product, in[0], right)
		} else {
			y = e.Add(product, e.MatMul(product+"_product", in[0], right), bias)
		}
	default:
		y = e.Conv(product, in[0], e.Reshape(product+"_weight", w, s[0], s[1], 1, 1), bias, onnx.Window{Size: 1}, 1)
	}
	return epilogue(e, name, y, nil, l.Activation), nil
}

// MACs is in·out for each vector, token or pixel.
func (l *Linear) MACs(in [][]int) float64 {
	return float64(tensor.Size(in[0]...)) * float64(l.Weight.Value.Shape[0])
}

// WithActivation returns the layer followed by a, in inference.
func (l *Linear) WithActivation(m graph.Mode, a Activation) graph.Op {
	if m.Use != graph.Inference || !l.Activation.fuses(m, a) {
		return nil
	}
	d := *l
	d.Activation = a
	return &d
}

// TakesResidual reports true while there is no activation.
func (l *Linear) TakesResidual(graph.Mode) bool { return l.Activation == Identity }

// WithNorm returns the layer with its result's channels scaled and shifted, for
// inference. The weights stay as they are until they are packed.
func (l *Linear) WithNorm(scale, shift []float32) graph.Op {
	if l.Activation != Identity || len(scale) != l.Weight.Value.Shape[0] {
		return nil
	}
	d := *l
	d.folded = l.folded.then(data(l.Bias), scale, shift)
	return &d
}

// linearForward is x·wᵀ + bias for x [N,in], w [out,in] and bias [out] (or nil), as
// torch's Linear: [N,out]. For the few rows of vectors the whole product is better
// packed at once than for the rows of linear_rows.go.
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

// linearSaved is what the backward pass of linearForward needs.
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
