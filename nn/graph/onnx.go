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

	// Inputs are the shapes of what the operation reads, in Whippet's layout, maps
	// [N,H,W,C]. The number of pictures, N, may be another when the model runs.
	Inputs [][]int
}

// Export adds g's operations, reading x, pictures of the given shape [N,H,W,C], and
// returns the output. It sets e.Inputs.
func (g *Graph) Export(e *Exporter, x onnx.Value, input []int) (onnx.Value, error) {
	shapes, err := g.Shapes(input)
	if err != nil {
		return "", err
	}
	at := make([]onnx.Value, len(g.Nodes))
	at[Input] = x
	added := 1
	for i, n := range g.Nodes[1:] {
		in := pick(at, n.Inputs)
		name := fmt.Sprintf("n%d", added)
		e.Inputs = pick(shapes, n.Inputs)
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
