// Package optest checks operations: those of package nn/op and those of programs
// of their own.
//
// To check an operation, add a Case to the table beside it: its inputs' shapes
// and parameters, the shape of the result, its multiplications, and inputs that
// it must refuse. Check runs it on a tape and compares its gradients with central
// differences, runs it compiled and compares that with the tape in evaluation
// mode, and asks its rules. To check a rewrite, give CheckRewrite a graph that has
// the pattern: as planned it must give what its operations give one by one, in
// values and gradients, and compiled too.
package optest

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Case is an operation with inputs.
type Case struct {
	Name   string
	Op     graph.Op
	In     [][]int // shapes of the inputs
	Params []*autograd.Parameter
	Want   []int // shape of the result
	MACs   float64
	Refuse [][][]int // inputs' shapes that the rule must not accept

	arena *autograd.Arena // of all its tapes
}

// Check runs a case and returns what is wrong with the operation. The gradients'
// bound is a hundredth of the largest, about ten times the noise of float32.
func Check(c Case) error {
	for _, in := range c.Refuse {
		if s, err := c.Op.Shape(nil, in); err == nil {
			return fmt.Errorf("inputs %v are accepted, with a result of shape %v", in, s)
		}
	}
	s, err := c.Op.Shape(nil, c.In)
	if err != nil {
		return err
	}
	if !tensor.SameShape(s, c.Want) {
		return fmt.Errorf("the shape is %v, want %v", s, c.Want)
	}
	if got := c.Op.MACs(c.In); got != c.MACs {
		return fmt.Errorf("%g multiplications, want %g", got, c.MACs)
	}
	c.arena = autograd.NewArena()
	r := rng.New(42)
	for _, p := range c.Params {
		fill(p.Value, r)
	}
	var in []*tensor.Tensor
	for _, s := range c.In {
		x := tensor.New(s...)
		fill(x, r)
		in = append(in, x)
	}
	if err := c.gradients(in, r); err != nil {
		return err
	}
	return c.compiled(in)
}

func fill(t *tensor.Tensor, r *rng.Stream) {
	for i := range t.Data {
		t.Data[i] = float32(r.Normal())
	}
}

// run plays the operation on a fresh tape.
func (c Case) run(in []*tensor.Tensor, record, training bool) (*autograd.Tape, []*autograd.Variable, *autograd.Variable) {
	tp := autograd.NewTape(c.arena)
	tp.Record, tp.Training, tp.Rand = record, training, rng.New(5) // the same mask each time
	var vs []*autograd.Variable
	for _, x := range in {
		vs = append(vs, tp.Input(x, record))
	}
	return tp, vs, c.Op.Forward(tp, vs)
}

// gradients compares those of inputs and parameters with central differences of
// the sum of the result times random factors.
func (c Case) gradients(in []*tensor.Tensor, r *rng.Stream) error {
	up := tensor.New(c.Want...)
	fill(up, r)
	loss := func() float64 {
		tp, _, y := c.run(in, false, true)
		defer tp.Reset()
		sum := 0.0
		for i, v := range y.Value.Data {
			sum += float64(v) * float64(up.Data[i])
		}
		return sum
	}
	for _, p := range c.Params {
		p.ZeroGrad()
	}
	tp, vs, y := c.run(in, true, true)
	if !tensor.SameShape(y.Value.Shape, c.Want) {
		return fmt.Errorf("on a tape the shape is %v, want %v", y.Value.Shape, c.Want)
	}
	tp.Backward(y, up)
	defer tp.Reset()
	for i, v := range vs {
		if v.Grad == nil {
			return fmt.Errorf("input %d has no gradient", i)
		}
		if err := differences(fmt.Sprintf("input %d", i), in[i].Data, v.Grad.Data, loss); err != nil {
			return err
		}
	}
	for i, p := range c.Params {
		if !p.HasGrad {
			return fmt.Errorf("parameter %d has no gradient", i)
		}
		if err := differences(fmt.Sprintf("parameter %d", i), p.Value.Data, p.Grad.Data, loss); err != nil {
			return err
		}
	}
	return nil
}

// differences compares about 60 of the gradients of value. Where the one-sided
// differences disagree there is a kink, as in a maximum, and no gradient.
func differences(what string, value, grad []float32, loss func() float64) error {
	const h = 1e-2
	largest := 0.0
	for _, g := range grad {
		largest = math.Max(largest, math.Abs(float64(g)))
	}
	mid := loss()
	for i := 0; i < len(value); i += max(1, len(value)/60) {
		old := value[i]
		value[i] = old + h
		up := loss()
		value[i] = old - h
		down := loss()
		value[i] = old
		want, bound := (up-down)/(2*h), 1e-2*largest+1e-3
		if math.Abs(want-float64(grad[i])) > bound && math.Abs((up-mid)/h-(mid-down)/h) <= bound {
			return fmt.Errorf("gradient %d of %s is %v, differences give %v", i, what, grad[i], want)
		}
	}
	return nil
}

// compiled compares the compiled operation with the tape in evaluation mode.
func (c Case) compiled(in []*tensor.Tensor) error {
	tp, _, y := c.run(in, false, false)
	defer tp.Reset()
	total := 0
	for _, x := range in {
		total += x.Len()
	}
	g, all := graph.New(), tensor.New(1, 1, 1, total)
	var parts []graph.Value
	at := 0
	for _, x := range in {
		copy(all.Data[at:], x.Data)
		parts = append(parts, g.Add(part{at, x.Shape}, graph.Input))
		at += x.Len()
	}
	g.Output = g.Add(c.Op, parts...)
	got, err := graph.Compile(g, c.arena).Run(all)
	if err != nil {
		return fmt.Errorf("compiled: %w", err)
	}
	return near("compiled", got.Data, y.Value.Data)
}

// near compares values that differ in the order of their sums at most.
func near(what string, got, want []float32) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d values, want %d", what, len(got), len(want))
	}
	largest := 0.0
	for _, w := range want {
		largest = math.Max(largest, math.Abs(float64(w)))
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= 1e-4*(largest+1e-3)) {
			return fmt.Errorf("%s: value %d is %v, want %v", what, i, got[i], w)
		}
	}
	return nil
}

// part takes values of a graph's only input, from the given one on, so that an
// operation of several inputs can be compiled. It is for inference.
type part struct {
	from  int
	shape []int
}

func (p part) Name() string                              { return "part" }
func (p part) Shape(dst []int, _ [][]int) ([]int, error) { return append(dst, p.shape...), nil }
func (p part) MACs([][]int) float64                      { return 0 }
func (p part) Forward(*autograd.Tape, []*autograd.Variable) *autograd.Variable {
	panic("optest: part is for inference")
}

func (p part) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { copy(out.Data, in[0].Data[p.from:]) })
}

func (p part) ONNX(*graph.Exporter, string, []weights.Value) (weights.Value, error) {
	return "", fmt.Errorf("optest: part is for inference")
}

// CheckRewrite runs g, whose input has the given shape, as planned and operation
// by operation, and returns where they differ. want are the names of rewrites that
// the plan for training must have applied. Parameters must have their values.
func CheckRewrite(g *graph.Graph, params []*autograd.Parameter, input []int, want ...string) error {
	p, err := graph.PlanTape(g, true, true, input, false)
	if err != nil {
		return err
	}
	if fmt.Sprint(p.Applied) != fmt.Sprint(want) {
		return fmt.Errorf("rewrites %q are applied, want %q", p.Applied, want)
	}
	r := rng.New(7)
	x := tensor.New(input...)
	fill(x, r)
	var up *tensor.Tensor
	run := func(record bool, forward func(tp *autograd.Tape, x *autograd.Variable) (*autograd.Variable, error)) (y []float32, grads [][]float32, err error) {
		tp := autograd.NewTape(autograd.NewArena())
		defer tp.Reset()
		tp.Record, tp.Training, tp.Rand = record, record, rng.New(5)
		out, err := forward(tp, tp.Input(x, false))
		if err != nil {
			return nil, nil, err
		}
		y = append(y, out.Value.Data...)
		if !record {
			return y, nil, nil
		}
		if up == nil {
			up = tensor.New(out.Value.Shape...)
			fill(up, r)
		}
		for _, p := range params {
			p.ZeroGrad()
		}
		tp.Backward(out, up)
		for _, p := range params {
			grads = append(grads, append([]float32(nil), p.Grad.Data...))
		}
		return y, grads, nil
	}
	plain := func(tp *autograd.Tape, x *autograd.Variable) (*autograd.Variable, error) {
		values := []*autograd.Variable{x}
		for _, n := range g.Nodes[1:] {
			var in []*autograd.Variable
			for _, v := range n.Inputs {
				in = append(in, values[v])
			}
			values = append(values, n.Op.Forward(tp, in))
		}
		return values[g.Output], nil
	}
	wantY, wantGrads, err := run(true, plain)
	if err != nil {
		return err
	}
	y, grads, err := run(true, graph.NewProgram(g).Forward)
	if err != nil {
		return err
	}
	if err := near("planned", y, wantY); err != nil {
		return err
	}
	for i := range grads {
		if err := near(fmt.Sprintf("gradient of parameter %d, planned", i), grads[i], wantGrads[i]); err != nil {
			return err
		}
	}
	if wantY, _, err = run(false, plain); err != nil {
		return err
	}
	got, err := graph.Compile(g, autograd.NewArena()).Run(x)
	if err != nil {
		return err
	}
	return near("compiled", got.Data, wantY)
}
