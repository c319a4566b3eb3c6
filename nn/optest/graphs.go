package optest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// GraphCase is a few operations that are planned together.
type GraphCase struct {
	Name string

	// Build adds the operations to g, returns the result and the parameters.
	// Their values are drawn from r.
	Build func(g *graph.Graph, r *rng.Stream) (graph.Value, []*autograd.Parameter)

	Input     []int // shape of the graph's input
	NeedsGrad bool  // whether the input's gradient is wanted too

	// Training and Inference are the names of the rewrites that a plan for a step
	// of training and one for inference must apply, in order.
	Training, Inference []string
}

// RunGraphs checks that graphs give the same planned as operation by operation:
// the values and gradients of a step of training, which are compared with central
// differences too, the values of a tape in evaluation mode, and compiled.
func RunGraphs(t *testing.T, cases ...GraphCase) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			everySet(t, func(t *testing.T) {
				if err := c.check(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// player runs a graph on tapes, whose buffers come from the arena.
type player struct {
	arena   *autograd.Arena
	forward forward
}

// forward runs a graph on a tape.
type forward func(tp *autograd.Tape, x *autograd.Variable) (*autograd.Variable, error)

func (c GraphCase) check() error {
	r, g := rng.New(seed), graph.New()
	v, params := c.Build(g, r)
	g.Output = v
	if err := c.applied(g); err != nil {
		return err
	}
	x := draw(r, c.Input...)
	shapes, err := g.Shapes(c.Input)
	if err != nil {
		return err
	}
	up := draw(r, shapes[g.Output]...)
	arena := autograd.NewArena()
	plain, planned := player{arena, oneByOne(g)}, player{arena, graph.NewProgram(g).Forward}
	want, wantGrads, err := plain.step(x, up, params, c.NeedsGrad)
	if err != nil {
		return err
	}
	got, grads, err := planned.step(x, up, params, c.NeedsGrad)
	if err != nil {
		return err
	}
	if err := near("the operations one by one", got, want, 1e-4); err != nil {
		return fmt.Errorf("planned: %w", err)
	}
	loss := func() float64 {
		y, lost := planned.play(x, true)
		err = errors.Join(err, lost)
		return dot(y, up.Data)
	}
	for i, grad := range grads {
		if err := near("the operations one by one", grad, wantGrads[i], 1e-4); err != nil {
			return fmt.Errorf("planned, gradient %d: %w", i, err)
		}
		value := x.Data
		if i < len(params) {
			value = params[i].Value.Data
		}
		if err := differences(value, grad, loss, 30); err != nil {
			return fmt.Errorf("planned, gradient %d: %w", i, err)
		}
	}
	evaluated, lost := plain.play(x, false)
	if err = errors.Join(err, lost); err != nil {
		return err
	}
	got, err = planned.play(x, false)
	if err != nil {
		return err
	}
	if err := near("the operations one by one", got, evaluated, 1e-4); err != nil {
		return fmt.Errorf("planned for evaluation: %w", err)
	}
	y, err := graph.Compile(g, arena).Run(x)
	if err != nil {
		return err
	}
	if err := near("the tape", y.Data, evaluated, 1e-4); err != nil {
		return fmt.Errorf("compiled: %w", err)
	}
	return nil
}

// applied compares the rewrites of the plans with those that are expected.
func (c GraphCase) applied(g *graph.Graph) error {
	p, err := graph.PlanTape(g, true, true, c.Input, c.NeedsGrad)
	if err != nil {
		return err
	}
	if !slices.Equal(p.Applied, c.Training) {
		return fmt.Errorf("rewrites %q are applied for training, want %q", p.Applied, c.Training)
	}
	if p = graph.PlanInference(g); !slices.Equal(p.Applied, c.Inference) {
		return fmt.Errorf("rewrites %q are applied for inference, want %q", p.Applied, c.Inference)
	}
	return nil
}

// oneByOne plays a graph as it is written.
func oneByOne(g *graph.Graph) forward {
	return func(tp *autograd.Tape, x *autograd.Variable) (*autograd.Variable, error) {
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
}

// play returns the result without a backward pass.
func (p player) play(x *tensor.Tensor, training bool) ([]float32, error) {
	tp := autograd.NewTape(p.arena)
	defer tp.Reset()
	tp.Training, tp.Rand = training, rng.New(5)
	y, err := p.forward(tp, tp.Input(x, false))
	if err != nil {
		return nil, err
	}
	return slices.Clone(y.Value.Data), nil
}

// step returns the result of a step of training and the gradients of the
// parameters and, if it is wanted, of the input.
func (p player) step(x, up *tensor.Tensor, params []*autograd.Parameter, needsGrad bool) (y []float32, grads [][]float32, err error) {
	tp := autograd.NewTape(p.arena)
	tp.Record, tp.Training, tp.Rand = true, true, rng.New(5)
	for _, q := range params {
		q.ZeroGrad()
	}
	in := tp.Input(x, needsGrad)
	out, err := p.forward(tp, in)
	if err != nil {
		return nil, nil, err
	}
	y = slices.Clone(out.Value.Data)
	tp.Backward(out, up)
	for i, q := range params {
		if !q.HasGrad {
			return nil, nil, fmt.Errorf("parameter %d has no gradient", i)
		}
		grads = append(grads, slices.Clone(q.Grad.Data))
	}
	if needsGrad {
		if in.Grad == nil {
			return nil, nil, errors.New("the input has no gradient")
		}
		grads = append(grads, slices.Clone(in.Grad.Data))
	}
	tp.Reset()
	if n := p.arena.InUse(); n != 0 {
		return nil, nil, fmt.Errorf("%d buffers are in use after the tape's Reset", n)
	}
	return y, grads, nil
}
