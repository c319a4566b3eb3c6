package bench

import (
	"slices"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// macs counts the multiplications (each with an addition) that direct
// convolutions and the linear layers of m take for one picture of size×size, and
// how many of them belong to the layers that read the picture itself, which need
// no gradient of their input, and to the head, the linear layers.
func macs(m nn.Module, size int) (all, first, head float64, err error) {
	g := nn.BuildGraph(m)
	each, err := g.MACs([]int{1, size, size, 3})
	if err != nil {
		return 0, 0, 0, err
	}
	for i, n := range g.Nodes {
		all += each[i]
		if slices.Contains(n.Inputs, graph.Input) {
			first += each[i]
		}
		if _, ok := n.Op.(*op.Linear); ok {
			head += each[i]
		}
	}
	return all, first, head, nil
}

// trainFLOPs is what one picture takes in a training step: forward, the gradient
// of every layer's input but the first's, and, where weights train, the gradient
// of the weights. bodyGrad says whether gradients go down into the body, and
// bodyWeights whether its weights train.
func trainFLOPs(m nn.Module, size int, bodyGrad, bodyWeights bool) (float64, error) {
	all, first, head, err := macs(m, size)
	if err != nil {
		return 0, err
	}
	n := all + 2*head
	if bodyGrad {
		n += all - head - first
	}
	if bodyWeights {
		n += all - head
	}
	return 2 * n, nil
}
