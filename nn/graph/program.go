package graph

import (
	"slices"

	"github.com/whippet-ml/whippet/autograd"
)

// Program plays a graph on tapes. It plans the graph for each mode in which it is
// needed, and again when another set of parameters trains; plans are kept, so
// that a step that repeats makes no garbage. It is not safe for concurrent use.
type Program struct {
	graph *Graph
	plans []*played // the one used last comes first

	values []*autograd.Variable
	in     []*autograd.Variable
}

// maxPlans is how many plans a Program keeps: full batches and the last, smaller
// one, of training and evaluation.
const maxPlans = 4

// played is a plan with what it was made for.
type played struct {
	*Plan
	list      []step
	input     []int
	needsGrad bool
	switches  []*bool
	were      []bool // the switches' values
}

// NewProgram returns a program for g, which must not change afterwards.
func NewProgram(g *Graph) *Program { return &Program{graph: g} }

// Forward runs the graph on x and returns its output. Values in between are
// released after their last reader. The error says which operation cannot have an
// input of x's shape.
func (p *Program) Forward(tp *autograd.Tape, x *autograd.Variable) (*autograd.Variable, error) {
	plan, err := p.plan(tp, x)
	if err != nil {
		return nil, err
	}
	if p.values == nil {
		p.values = make([]*autograd.Variable, len(p.graph.Nodes))
	}
	defer clear(p.values)
	p.values[Input] = x
	for i := range plan.list {
		s := &plan.list[i]
		p.in = p.in[:0]
		for _, v := range s.Inputs {
			p.in = append(p.in, p.values[v])
		}
		y := s.Op.Forward(tp, p.in)
		check(s.Op, y.Value.Shape, plan.shapes[s.result])
		p.values[s.result] = y
		for _, v := range s.frees {
			tp.Free(p.values[v])
		}
	}
	clear(p.in)
	return p.values[plan.output], nil
}

// plan returns a plan for the tape's mode, the shape of x and the parameters that
// train now.
func (p *Program) plan(tp *autograd.Tape, x *autograd.Variable) (*played, error) {
	for i, old := range p.plans {
		if old.fits(tp, x) {
			copy(p.plans[1:i+1], p.plans[:i])
			p.plans[0] = old
			return old, nil
		}
	}
	plan, err := PlanTape(p.graph, tp.Record, tp.Training, x.Value.Shape, x.NeedsGrad())
	if err != nil {
		return nil, err
	}
	n := &played{Plan: plan, list: plan.steps(), input: slices.Clone(x.Value.Shape), needsGrad: x.NeedsGrad()}
	for _, node := range p.graph.Nodes {
		if t, ok := node.Op.(Trainable); ok {
			n.switches = append(n.switches, t.Switches()...)
		}
	}
	for _, s := range n.switches {
		n.were = append(n.were, *s)
	}
	p.plans = slices.Insert(p.plans, 0, n)
	p.plans = p.plans[:min(len(p.plans), maxPlans)]
	return n, nil
}

// fits reports whether the plan serves x on tp.
func (n *played) fits(tp *autograd.Tape, x *autograd.Variable) bool {
	if n.Mode.Record != tp.Record || n.Mode.Training != tp.Training || n.needsGrad != x.NeedsGrad() || !slices.Equal(n.input, x.Value.Shape) {
		return false
	}
	for i, s := range n.switches {
		if *s != n.were[i] {
			return false
		}
	}
	return true
}
