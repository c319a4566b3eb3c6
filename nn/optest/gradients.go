package optest

import (
	"fmt"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// pass is a way to run an operation on a tape.
type pass struct {
	training bool
	readers  int // how many times the operation stands there, reading the same; the results are added
}

// which says of inputs and parameters, by their numbers, whether they train.
type which func(i int) bool

func every(int) bool { return true }

// forward runs the operation on a fresh tape. Inputs that train need a gradient if
// record is set.
func (s *subject) forward(p pass, record bool, trains which) (*autograd.Tape, []*autograd.Variable, *autograd.Variable) {
	tp := autograd.NewTape(s.arena)
	tp.Record, tp.Training, tp.Rand = record, p.training, rng.New(5) // the same mask each time
	var vs []*autograd.Variable
	for i, x := range s.in {
		vs = append(vs, tp.Input(x, record && trains(i)))
	}
	y := s.op.Forward(tp, vs)
	for range p.readers - 1 {
		y = op.Add{}.Forward(tp, []*autograd.Variable{y, s.op.Forward(tp, vs)})
	}
	return tp, vs, y
}

// what names the inputs and then the parameters by their numbers.
func (s *subject) what(i int) string {
	if i < len(s.in) {
		return fmt.Sprintf("input %d", i)
	}
	return fmt.Sprintf("parameter %d", i-len(s.in))
}

// gradients compares those of inputs and parameters with central differences of
// the sum of the result times up, and with those of passes in which one of them
// is frozen, and in which one alone trains.
func (s *subject) gradients(p pass, up *tensor.Tensor) error {
	loss := func() float64 {
		tp, _, y := s.forward(p, false, every)
		defer tp.Reset()
		return dot(y.Value.Data, up.Data)
	}
	all, err := s.backward(p, up, every)
	if err != nil {
		return err
	}
	for i, g := range all {
		v := s.values32(i)
		if err := differences(v, g, loss, 60/p.readers); err != nil {
			return fmt.Errorf("%s: %w", s.what(i), err)
		}
	}
	for k := range all {
		if err := s.some(p, up, all, func(i int) bool { return i != k }); err != nil {
			return fmt.Errorf("%s frozen: %w", s.what(k), err)
		}
		if err := s.some(p, up, all, func(i int) bool { return i == k }); err != nil {
			return fmt.Errorf("%s alone trains: %w", s.what(k), err)
		}
	}
	return nil
}

// some compares the gradients of what trains with those when all does.
func (s *subject) some(p pass, up *tensor.Tensor, all [][]float32, trains which) error {
	grads, err := s.backward(p, up, trains)
	if err != nil {
		return err
	}
	for i, g := range grads {
		if trains(i) {
			if err := near("the pass in which all train", g, all[i], 1e-5); err != nil {
				return fmt.Errorf("gradient of %s: %w", s.what(i), err)
			}
		}
	}
	return nil
}

// values32 returns the values of an input or a parameter.
func (s *subject) values32(i int) []float32 {
	if i < len(s.in) {
		return s.in[i].Data
	}
	return s.params[i-len(s.in)].Value.Data
}

// backward returns the gradients of inputs and parameters. What does not train
// must have none.
func (s *subject) backward(p pass, up *tensor.Tensor, trains which) ([][]float32, error) {
	for i, q := range s.params {
		q.ZeroGrad()
		q.RequiresGrad = trains(len(s.in) + i)
		defer func() { q.RequiresGrad = true }()
	}
	tp, vs, y := s.forward(p, true, trains)
	defer tp.Reset()
	grads, needed := make([][]float32, len(vs)+len(s.params)), false
	for i := range grads {
		needed = needed || trains(i)
	}
	if y.NeedsGrad() != needed {
		return nil, fmt.Errorf("that the result needs a gradient is %v, want %v", y.NeedsGrad(), needed)
	} else if !needed {
		return grads, nil
	}
	tp.Backward(y, up)
	for i := range grads {
		var g *tensor.Tensor
		if i < len(vs) {
			g = vs[i].Grad
		} else if q := s.params[i-len(vs)]; q.HasGrad {
			g = q.Grad
		}
		if want := trains(i); (g != nil) != want {
			return nil, fmt.Errorf("that %s has a gradient is %v, want %v", s.what(i), g != nil, want)
		}
		if g != nil {
			grads[i] = slices.Clone(g.Data)
		}
	}
	return grads, nil
}

// dot is the sum of products, in float64.
func dot(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// differences compares about n of the gradients of value with central
// differences of the loss. The loss is summed in float64; what remains is the
// noise of float32 in the operation, about 1e-7/step relative, and curvature, so
// that a hundredth of the largest gradient is the bound at a step of 1e-2. A
// wrong formula is off by far more. Where the one-sided differences disagree
// there is a kink, as in a maximum, and no gradient; most must have one. Kinks on
// both sides hide each other, but not at a tenth of the step.
func differences(value, grad []float32, loss func() float64, n int) error {
	largest := 0.0
	for _, g := range grad {
		largest = math.Max(largest, math.Abs(float64(g)))
	}
	bound := 1e-2*largest + 1e-3
	mid, all, kinks := loss(), 0, 0
	for i := 0; i < len(value); i += max(1, len(value)/n) {
		around := func(h float32) (want float64, kink bool) {
			old := value[i]
			value[i] = old + h
			up := loss()
			value[i] = old - h
			down := loss()
			value[i] = old
			return (up - down) / float64(2*h), math.Abs(up-2*mid+down)/float64(h) > bound
		}
		agrees := func(want float64) bool { return math.Abs(want-float64(grad[i])) <= bound }
		all++
		if want, kink := around(1e-2); agrees(want) {
			continue
		} else if kink {
			kinks++
		} else if closer, _ := around(1e-3); !agrees(closer) {
			return fmt.Errorf("gradient %d is %v, differences give %v", i, grad[i], want)
		}
	}
	if 2*kinks > all {
		return fmt.Errorf("%d of %d gradients are not what differences give, and lie at kinks: choose smaller inputs", kinks, all)
	}
	return nil
}
