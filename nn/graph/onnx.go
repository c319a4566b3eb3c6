package graph

import (
	"fmt"

	"github.com/whippet-ml/whippet/onnx"
)

// Exporter is a graph of ONNX operators in the making, to which operations add
// theirs. Maps are [N,C,H,W] there.
type Exporter struct {
	*onnx.Graph

	// Parameter adds the array that holds these values, the very slice that the
	// model has, under its name and in PyTorch's layout, once. It returns the
	// empty Value for none, and an error for values that are no part of the
	// model's state.
	Parameter func(values []float32) (onnx.Value, error)
}

// Export adds g's operations, reading x, and returns the output.
func (g *Graph) Export(e *Exporter, x onnx.Value) (onnx.Value, error) {
	at := make([]onnx.Value, len(g.Nodes))
	at[Input] = x
	added := 1
	for i, n := range g.Nodes[1:] {
		in := pick(at, n.Inputs)
		name := fmt.Sprintf("n%d", added)
		y, err := n.Op.ONNX(e, name, in)
		if err != nil {
			return "", fmt.Errorf("%s: %w", n.Op.Name(), err)
		}
		if y == onnx.Value(name) { // otherwise nothing is left of it in evaluation mode
			added++
		}
		at[i+1] = y
	}
	return at[g.Output], nil
}
