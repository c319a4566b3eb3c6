package op_test

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// alone makes an operation that has no parameters.
func alone(o graph.Op) func(*rng.Stream) (graph.Op, []*autograd.Parameter) {
	return func(*rng.Stream) (graph.Op, []*autograd.Parameter) { return o, nil }
}

// activationCase is an activation of three dimensions, with its ONNX operators.
func activationCase(a op.Activation, operators ...string) optest.Case {
	return optest.Case{
		Name: a.Name(), Op: alone(a), Inputs: [][]int{{3, 4, 5}}, Shape: []int{3, 4, 5}, Operators: operators,
		Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 { return activated(widen(in[0]), a).v },
	}
}

var activationCases = []optest.Case{
	activationCase(op.Identity),
	activationCase(op.ReLU, "Relu"),
	activationCase(op.ReLU6, "Clip"),
	activationCase(op.Sigmoid, "Sigmoid"),
	activationCase(op.SiLU, "Sigmoid", "Mul"),
	activationCase(op.Hardsigmoid, "HardSigmoid"),
	activationCase(op.Hardswish, "HardSigmoid", "Mul"),
	activationCase(op.GELU, "Erf", "Div", "Mul", "Add"),
	activationCase(op.GELUTanh, "Sigmoid", "Mul", "Add"),
}

func TestActivation(t *testing.T) { optest.Run(t, activationCases...) }

// ended is a case with an activation applied to the operation's result, whose
// ONNX operators it has too.
func ended(c optest.Case, a op.Activation, operators ...string) optest.Case {
	build := c.Op
	c.Name += ", " + a.Name()
	c.Operators = append(operators, c.Operators...)
	c.Op = func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
		o, params := build(r)
		switch o := o.(type) {
		case *op.Conv:
			o.Activation = a
		case *op.Norm:
			o.Activation = a
		case *op.Linear:
			o.Activation = a
		}
		return o, params
	}
	return c
}

// TestUnknownActivation checks that one that does not exist is refused by every
// operation that may have it.
func TestUnknownActivation(t *testing.T) {
	const unknown = op.Activation(math.MaxUint8)
	shape := []int{1, 3, 3, 2}
	r := rng.New(1)
	c, _ := newConv(r, 1, 2, 2, 1, 0, false, false)
	n, _ := newNorm(r, 2, false)
	l := &op.Linear{Weight: newParam(r, 2, 2)}
	c.Activation, n.Activation, l.Activation = unknown, unknown, unknown
	for _, o := range []graph.Op{unknown, c, n, l} {
		_, err := o.Shape(nil, [][]int{shape})
		if want := "there is no activation 255: use one of package op's constants"; err == nil || err.Error() != want {
			t.Errorf("%T: the error is %v, want %s", o, err, want)
		}
	}
}

// TestActivationIsRecomputed checks that the value of an activation other than
// ReLU takes no memory until the backward pass: only its input is kept.
func TestActivationIsRecomputed(t *testing.T) {
	r := rng.New(3)
	w := newParam(r, 1, 1, 2, 2)
	tp := autograd.NewTape(autograd.NewArena())
	tp.Record, tp.Training = true, true
	c := &op.Conv{Weight: w, Stride: 1}
	x := c.Forward(tp, []*autograd.Variable{tp.Input(newParam(r, 1, 4, 4, 2).Value, false)})
	y := op.SiLU.Forward(tp, []*autograd.Variable{x})
	tp.Free(x)
	z := c.Forward(tp, []*autograd.Variable{y})
	tp.Free(y)
	if x.Value == nil || y.Value != nil {
		t.Errorf("after the forward pass the input is in memory: %v, the result: %v; want the input alone", x.Value != nil, y.Value != nil)
	}
	tp.Backward(z, newParam(r, 1, 4, 4, 2).Value)
	tp.Reset()
}
