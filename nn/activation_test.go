package nn_test

import (
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// TestActivations checks that each module appends the operation of its name.
func TestActivations(t *testing.T) {
	for want, m := range map[op.Activation]nn.Module{
		op.ReLU: nn.ReLU(), op.ReLU6: nn.ReLU6(), op.Sigmoid: nn.Sigmoid(), op.SiLU: nn.SiLU(),
		op.Hardsigmoid: nn.Hardsigmoid(), op.Hardswish: nn.Hardswish(), op.GELU: nn.GELU(), op.GELUTanh: nn.GELUTanh(),
	} {
		g := graph.New()
		if v := m.Build(g, graph.Input); g.Nodes[v].Op != graph.Op(want) {
			t.Errorf("%s: the operation is %v", want.Name(), g.Nodes[v].Op)
		}
	}
}
