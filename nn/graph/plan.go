package graph

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/tensor"
)

// Use is what a graph is planned for.
type Use int

// The uses. A rewrite may serve several of them.
const (
	OnTape    Use = 1 << iota // played on a tape, for training and whoever needs gradients
	Inference                 // compiled, in evaluation mode
)

// Mode is what a plan is made for.
type Mode struct {
	Use Use
	// Record tells that a backward pass will follow, Training that batch norm
	// takes the batch's statistics and dropout drops; both are for OnTape.
	Record, Training bool
}

// Rewrite replaces a few operations by one that does the same with less work. It
// is tried wherever its operation stands in a graph, the operations before it
// having been rewritten already.
type Rewrite struct {
	Name string // the pattern, such as "relu(conv)"
	Uses Use    // what it serves
	// Apply changes the plan where the pattern ends at value v and all conditions
	// hold, and reports whether it has.
	Apply func(p *Plan, v Value) bool
}

// Rewriter is an operation that is better done together with those before it.
type Rewriter interface {
	Op
	// Rewrites are tried in order, again after each that has been applied.
	Rewrites() []Rewrite
}

// Plan is a graph on its way from how a model was written to how it runs.
type Plan struct {
	Mode    Mode
	Applied []string // names of the rewrites, in order

	nodes   []Node
	output  Value
	readers []int   // of each value; the caller of the plan is one of the output
	shapes  [][]int // for OnTape
	needs   []bool  // whether a gradient flows to the value; for OnTape
}

// newPlan makes a plan of g. shapes and needs are nil in inference.
func newPlan(g *Graph, mode Mode, shapes [][]int, needs []bool) *Plan {
	p := &Plan{Mode: mode, nodes: slices.Clone(g.Nodes), output: g.Output, readers: make([]int, len(g.Nodes)), shapes: shapes, needs: needs}
	for _, n := range p.nodes {
		p.read(n.Inputs)
	}
	p.readers[p.output]++
	for i := len(p.nodes) - 1; i > 0; i-- {
		if p.readers[i] == 0 {
			p.remove(Value(i))
		}
	}
	for v := range p.nodes {
		p.rewrite(Value(v))
	}
	return p
}

// rewrite applies what there is for v until nothing more does.
func (p *Plan) rewrite(v Value) {
	for again := true; again; {
		again = false
		r, ok := p.nodes[v].Op.(Rewriter)
		if !ok {
			return
		}
		for _, w := range r.Rewrites() {
			if w.Uses&p.Mode.Use != 0 && w.Apply(p, v) {
				p.Applied = append(p.Applied, w.Name)
				again = true
				break
			}
		}
	}
}

// Op returns the operation whose result v is; nil for the graph's input.
func (p *Plan) Op(v Value) Op { return p.nodes[v].Op }

// Inputs returns what the operation of v reads. It must not be changed.
func (p *Plan) Inputs(v Value) []Value { return p.nodes[v].Inputs }

// Readers returns how many operations read v, one that reads it twice counting
// twice, and the caller of the graph if v is its output.
func (p *Plan) Readers(v Value) int { return p.readers[v] }

// Shape returns the shape of v on a tape; it is not known in inference (nil).
func (p *Plan) Shape(v Value) []int {
	if p.shapes == nil {
		return nil
	}
	return p.shapes[v]
}

// NeedsGrad reports whether a gradient will flow to v.
func (p *Plan) NeedsGrad(v Value) bool { return p.needs != nil && p.needs[v] }

// Replace makes v the result of op, which reads in. Operations that nobody reads
// any more are gone.
func (p *Plan) Replace(v Value, op Op, in ...Value) {
	old := p.nodes[v].Inputs
	p.read(in)
	p.nodes[v] = Node{op, slices.Clone(in)}
	p.unread(old)
}

// Bypass lets all who read v read from instead, an input of v's operation.
func (p *Plan) Bypass(v, from Value) {
	for i := range p.nodes {
		if !slices.Contains(p.nodes[i].Inputs, v) {
			continue
		}
		in := slices.Clone(p.nodes[i].Inputs)
		for k := range in {
			if in[k] == v {
				in[k] = from
				p.readers[from]++
				p.readers[v]--
			}
		}
		p.nodes[i].Inputs = in
	}
	if p.output == v {
		p.output = from
		p.readers[from]++
		p.readers[v]--
	}
	p.remove(v)
}

func (p *Plan) read(in []Value) {
	for _, v := range in {
		p.readers[v]++
	}
}

func (p *Plan) unread(in []Value) {
	for _, v := range in {
		if p.readers[v]--; p.readers[v] == 0 {
			p.remove(v)
		}
	}
}

// remove takes out the operation of v, which nobody reads.
func (p *Plan) remove(v Value) {
	in := p.nodes[v].Inputs
	p.nodes[v] = Node{}
	p.unread(in)
}

// step is an operation of a plan that is ready to run.
type step struct {
	Node
	result Value
	frees  []Value // whose last reader this step is
}

// steps lists the operations in the order they run.
func (p *Plan) steps() []step {
	last := make([]int, len(p.nodes))
	var all []step
	for v, n := range p.nodes {
		if n.Op == nil {
			continue
		}
		for _, in := range n.Inputs {
			last[in] = len(all)
		}
		all = append(all, step{Node: n, result: Value(v)})
	}
	for k := range all {
		s := &all[k]
		for _, in := range s.Inputs {
			if last[in] == k && in != Input && in != p.output && !slices.Contains(s.frees, in) {
				s.frees = append(s.frees, in)
			}
		}
	}
	return all
}

// PlanInference returns how g runs when it is compiled.
func PlanInference(g *Graph) *Plan { return newPlan(g, Mode{Use: Inference}, nil, nil) }

// PlanTape returns how g runs on a tape for an input of the given shape, with the
// parameters that train now. needsGrad tells whether the input's gradient is
// wanted.
func PlanTape(g *Graph, record, training bool, input []int, needsGrad bool) (*Plan, error) {
	shapes, err := g.Shapes(input)
	if err != nil {
		return nil, err
	}
	needs := make([]bool, len(g.Nodes))
	needs[Input] = needsGrad
	for i, n := range g.Nodes[1:] {
		for _, in := range n.Inputs {
			needs[i+1] = needs[i+1] || needs[in]
		}
		if t, ok := n.Op.(Trainable); ok && record {
			needs[i+1] = needs[i+1] || t.Trains()
		}
	}
	return newPlan(g, Mode{OnTape, record, training}, shapes, needs), nil
}

// check is for the result of an operation, whose shape its rule gave.
func check(op Op, got, want []int) {
	if !tensor.SameShape(got, want) {
		panic(fmt.Sprintf("graph: %s made a result of shape %v, its rule says %v", op.Name(), got, want))
	}
}
