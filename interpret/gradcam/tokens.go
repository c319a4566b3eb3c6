package gradcam

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
)

// tokens is a vision transformer. The activations are the tokens [N,P+h·w,C] that its
// last attention makes queries, keys and values of.
type tokens struct {
	graph  *graph.Graph // of a copy that wants no gradients
	at     graph.Value  // the activations
	maps   graph.Value  // the maps that became tokens
	prefix int          // P: how many tokens stand before those of the maps
}

// lookAtTokens finds the last attention, and the tokens' beginning.
func lookAtTokens(c *models.Classifier) (network, error) {
	n := &tokens{}
	find := func(g *graph.Graph) bool {
		for _, node := range g.Nodes[1:] {
			switch o := node.Op.(type) {
			case *op.Tokens:
				n.maps, n.prefix = node.Inputs[0], o.Prefix()
			case op.Attention:
				// What it reads are queries, keys and values: a linear layer's result.
				if qkv := g.Nodes[node.Inputs[0]]; len(qkv.Inputs) == 1 {
					n.at = qkv.Inputs[0]
				}
			}
		}
		return n.maps != graph.Input && n.at != graph.Input
	}
	if !find(nn.BuildGraph(c)) {
		return nil, ErrPooled
	}
	still, err := c.Frozen()
	if err != nil {
		return nil, fmt.Errorf("gradcam: %w", err)
	}
	n.graph = nn.BuildGraph(still)
	return n, nil
}

// forward runs the whole network on one tape, which records from the activations on.
func (n *tokens) forward(arena *autograd.Arena, x *tensor.Tensor) (pass, error) {
	shapes, err := n.graph.Shapes(x.Shape)
	if err != nil {
		return pass{}, err
	}
	from := &start{Op: n.graph.Nodes[n.at].Op}
	g := &graph.Graph{Nodes: slices.Clone(n.graph.Nodes), Output: n.graph.Output}
	g.Nodes[n.at].Op = from
	tape := autograd.NewTape(arena)
	tape.Record = true
	logits, err := graph.NewProgram(g).Forward(tape, tape.Input(x, false))
	if err != nil {
		tape.Reset()
		return pass{}, err
	}
	return pass{tape: tape, a: from.result, logits: logits, reset: tape.Reset, places: func(t *tensor.Tensor) *tensor.Tensor {
		return n.places(t, shapes[n.maps])
	}}, nil
}

// places returns the tokens of maps of shape s, [N,h,w,C]: a copy of those of t
// [N,P+h·w,C] without the first P.
func (n *tokens) places(t *tensor.Tensor, s []int) *tensor.Tensor {
	c := t.Shape[2]
	out := tensor.New(s[0], s[1], s[2], c)
	size := s[1] * s[2] * c
	for i := range s[0] {
		copy(out.Data[i*size:][:size], t.Data[(i*t.Shape[1]+n.prefix)*c:])
	}
	return out
}

// start is an operation whose result is an input of the tape that wants a gradient, so
// that the backward pass ends there. It serves one forward pass.
type start struct {
	graph.Op
	result *autograd.Variable
}

// Forward keeps the result.
func (s *start) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	s.result = tp.Input(s.Op.Forward(tp, in).Value, true)
	return s.result
}

// Trains says that a gradient is needed of what follows.
func (s *start) Trains() bool { return true }

// Switches are none: the plan is for one pass.
func (s *start) Switches() []*bool { return nil }
