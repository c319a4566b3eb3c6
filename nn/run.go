package nn

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
)

// BuildGraph lists m's operations, as they stand in the model.
func BuildGraph(m Module) *graph.Graph {
	g := graph.New()
	g.Output = m.Build(g, graph.Input)
	return g
}

// NewProgram returns what plays m on tapes, for training and whoever needs
// gradients.
func NewProgram(m Module) *graph.Program { return graph.NewProgram(BuildGraph(m)) }

// Forward plays m on a tape once, reading x, which it does not release. What runs
// m again and again keeps a Program instead.
func Forward(tp *autograd.Tape, m Module, x *autograd.Variable) (*autograd.Variable, error) {
	return NewProgram(m).Forward(tp, x)
}

// Inference is a compiled model.
type Inference = graph.Compiled

// Compile prepares m for inference, in evaluation mode.
func Compile(m Module) *Inference { return CompileWith(m, autograd.NewArena()) }

// CompileWith is Compile with an arena of the caller's for activations.
func CompileWith(m Module, arena *autograd.Arena) *Inference {
	return graph.Compile(BuildGraph(m), arena)
}

// CompileIn is CompileWith for a model that is needed for a while only, as for a
// validation during training: the packed weights are in arena too, until Release.
func CompileIn(m Module, arena *autograd.Arena) *Inference {
	return graph.CompileIn(BuildGraph(m), arena)
}
