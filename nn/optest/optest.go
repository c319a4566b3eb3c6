// Package optest checks operations: those of package nn/op and those of programs
// of their own. It is for tests.
//
// To add a case, append a Case to the table in the operation's test file: how to
// make the operation, the shapes of its inputs, and what is known of the result.
// Run then checks every part of the operation: shape rule, values, gradients, in
// training and in evaluation mode, with each parameter frozen, inference, ONNX.
//
// To add an operation, implement graph.Op in a file of its own, and give its
// test file a table of cases that Run is called with. A test of package nn/op
// fails for an operation that has no case.
//
// To add a rewrite, append a GraphCase with the pattern: RunGraphs compares the
// graph as planned with its operations one by one. A test of package nn/op fails
// for a rewrite that no case applies.
package optest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// Case is an operation with inputs, and what must come of them.
type Case struct {
	Name string

	// Op makes the operation and returns its parameters too, none being nil.
	// Their values, and all else that is random, are drawn from r.
	Op func(r *rng.Stream) (graph.Op, []*autograd.Parameter)

	// Inputs are the inputs' shapes. Their values are normally distributed.
	Inputs [][]int

	// Shape is that of the result.
	Shape []int

	// MACs is the number of multiplications.
	MACs float64

	// Want computes the result for the given inputs in the plainest way. It may
	// be nil, or return nil for a mode in which there is nothing to compare with.
	Want func(o graph.Op, training bool, in []*tensor.Tensor) []float64

	// Tolerance is how far values may be from Want, and compiled ones from those
	// on a tape, relative to the largest; 0 stands for 1e-4.
	Tolerance float64

	// Operators are kinds of ONNX operators that the export must have, such as
	// "Relu".
	Operators []string

	// Refuses are inputs that the shape rule must not accept.
	Refuses []Refusal
}

// Refusal is what an operation says to inputs that it cannot have.
type Refusal struct {
	Inputs [][]int // their shapes
	Word   string  // what the message must contain
}

// Run checks cases with every instruction set that this build has kernels for;
// one that the machine does not have is reported as skipped.
func Run(t *testing.T, cases ...Case) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.rules(); err != nil {
				t.Fatal(err)
			}
			everySet(t, func(t *testing.T) {
				if err := c.check(t); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// everySet runs f with each instruction set in use.
func everySet(t *testing.T, f func(t *testing.T)) {
	for _, s := range isa.InBuild() {
		t.Run(s.String(), func(t *testing.T) {
			if !s.Available() {
				t.Skipf("this machine does not have %s", s)
			}
			defer isa.Use(isa.Use(s))
			f(t)
		})
	}
}

// rules checks what an operation says of itself: shapes, multiplications, and
// that its plan is renewed when a parameter is frozen.
func (c Case) rules() error {
	o, params := c.Op(rng.New(seed))
	s, err := o.Shape([]int{-7}, c.Inputs) // what is before must stay
	switch {
	case err != nil:
		return err
	case len(s) == 0 || s[0] != -7 || !tensor.SameShape(s[1:], c.Shape):
		return fmt.Errorf("the shape appended to [-7] is %v, want %v after it", s, c.Shape)
	case o.Name() == "":
		return errors.New("the operation has no name")
	}
	if got := o.MACs(c.Inputs); got != c.MACs {
		return fmt.Errorf("%g multiplications, want %g", got, c.MACs)
	}
	if err := trainable(o, params); err != nil {
		return err
	}
	for _, r := range c.Refuses {
		if err := refuses(o, r); err != nil {
			return fmt.Errorf("inputs %v: %w", r.Inputs, err)
		}
	}
	return nil
}

// trainable checks that plans learn which parameters train.
func trainable(o graph.Op, params []*autograd.Parameter) error {
	if len(params) == 0 {
		return nil
	}
	tr, ok := o.(graph.Trainable)
	if !ok {
		return errors.New("the operation has parameters, but is no graph.Trainable")
	}
	for _, p := range params {
		p.RequiresGrad = false
	}
	if tr.Trains() {
		return errors.New("method Trains is true with all parameters frozen")
	}
	for i, p := range params {
		if p.RequiresGrad = true; !tr.Trains() {
			return fmt.Errorf("method Trains is false when parameter %d trains", i)
		}
		p.RequiresGrad = false
		found := false
		for _, s := range tr.Switches() {
			found = found || s == &p.RequiresGrad
		}
		if !found {
			return fmt.Errorf("the RequiresGrad of parameter %d is not among the Switches", i)
		}
	}
	for _, p := range params {
		p.RequiresGrad = true
	}
	return nil
}

// refuses checks that inputs are refused by the rule, on a tape and compiled.
func refuses(o graph.Op, r Refusal) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if s, err := o.Shape(nil, r.Inputs); err == nil {
		return fmt.Errorf("accepted, with a result of shape %v", s)
	} else if r.Word == "" || !strings.Contains(err.Error(), r.Word) {
		return fmt.Errorf("the message is %q, want one with %q", err, r.Word)
	}
	var in []*tensor.Tensor
	for _, s := range r.Inputs {
		in = append(in, tensor.New(s...))
	}
	g, x := single(o, in)
	if _, err := graph.PlanTape(g, true, true, x.Shape, false); err == nil {
		return errors.New("accepted by a plan")
	}
	if _, err := graph.Compile(g, autograd.NewArena()).Run(x); err == nil {
		return errors.New("accepted by the compiled graph")
	}
	return nil
}

// seed is where all random numbers of a case come from.
const seed = 42

// draw returns normally distributed values.
func draw(r *rng.Stream, shape ...int) *tensor.Tensor {
	t := tensor.New(shape...)
	for i := range t.Data {
		t.Data[i] = float32(r.Normal())
	}
	return t
}

// subject is the operation of a case with inputs, for one instruction set.
type subject struct {
	Case
	op     graph.Op
	params []*autograd.Parameter
	in     []*tensor.Tensor
	arena  *autograd.Arena // of all its tapes
}

// check checks what a case computes with the instruction set in use.
func (c Case) check(t testing.TB) error {
	r := rng.New(seed)
	s := &subject{Case: c, arena: autograd.NewArena()}
	if s.Tolerance == 0 {
		s.Tolerance = 1e-4
	}
	s.op, s.params = c.Op(r)
	for _, shape := range c.Inputs {
		s.in = append(s.in, draw(r, shape...))
	}
	up := draw(r, c.Shape...)
	for _, training := range []bool{true, false} {
		if err := s.values(training); err != nil {
			return fmt.Errorf("training %v: %w", training, err)
		}
		for _, p := range []pass{{training, 1}, {training, 2}} {
			if err := s.gradients(p, up); err != nil {
				return fmt.Errorf("training %v, inputs read by %d operations: %w", training, p.readers, err)
			}
		}
	}
	if n := s.arena.InUse(); n != 0 {
		return fmt.Errorf("%d buffers are in use after the tapes' Reset", n)
	}
	if err := s.compiled(t); err != nil {
		return fmt.Errorf("compiled: %w", err)
	}
	if err := s.onnx(); err != nil {
		return fmt.Errorf("ONNX: %w", err)
	}
	return nil
}

// values compares the result on a tape with the reference.
func (s *subject) values(training bool) error {
	var want []float64
	if s.Want != nil {
		want = s.Want(s.op, training, s.in)
	}
	for _, record := range []bool{true, false} {
		var before [][]float32
		for _, x := range s.in {
			before = append(before, slices.Clone(x.Data))
		}
		tp, _, y := s.forward(pass{training, 1}, record, every)
		shape, got := slices.Clone(y.Value.Shape), slices.Clone(y.Value.Data)
		tp.Reset()
		if !tensor.SameShape(shape, s.Shape) {
			return fmt.Errorf("the shape on a tape is %v, want %v", shape, s.Shape)
		}
		for i, x := range s.in {
			for k, v := range x.Data {
				if v != before[i][k] {
					return fmt.Errorf("input %d is not what it was", i)
				}
			}
		}
		if want != nil {
			if err := near("the reference", got, want, s.Tolerance); err != nil {
				return err
			}
		}
	}
	return nil
}

// near compares values, which may differ by tolerance times the largest, taken as
// 0.1 more: a sum that should be 0 is what rounding leaves of its terms.
func near[T float32 | float64](whose string, got []float32, want []T, tolerance float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d values, %s has %d", len(got), whose, len(want))
	}
	largest := 0.0
	for _, w := range want {
		largest = math.Max(largest, math.Abs(float64(w)))
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i])-float64(w)) <= tolerance*(largest+0.1)) {
			return fmt.Errorf("value %d is %v, that of %s is %v", i, got[i], whose, w)
		}
	}
	return nil
}
