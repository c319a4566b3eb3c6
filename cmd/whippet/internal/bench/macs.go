package bench

import (
	"github.com/whippet-ml/whippet/internal/cpu"
	"github.com/whippet-ml/whippet/nn"
)

// macs counts the multiplications (each with an addition) that direct
// convolutions and the linear layers of m take for one picture of size×size, and
// how many of them belong to the layers that read the picture itself, which need
// no gradient of their input, and to the head, the linear layers.
func macs(m nn.Module, size int) (all, first, head float64) {
	g := nn.BuildGraph(m)
	side := make([]int, len(g.Nodes)) // of each node's map
	side[0] = size
	for i, n := range g.Nodes {
		if n.Op == nn.OpInput {
			continue
		}
		in := side[n.Inputs[0]]
		side[i] = in
		switch n.Op {
		case nn.OpConv:
			s := n.Weight.Shape
			side[i] = (in+2*n.Pad-n.Kernel)/n.Stride + 1
			v := float64(side[i]) * float64(side[i]) * float64(s[0]*s[1]*s[2]*s[3])
			all += v
			if n.Inputs[0] == 0 {
				first += v
			}
		case nn.OpMaxPool:
			side[i] = cpu.PoolOut(in, n.Kernel, n.Stride, n.Pad, n.Ceil)
		case nn.OpLinear:
			v := float64(n.Weight.Len())
			all += v
			head += v
		}
	}
	return all, first, head
}

// trainFLOPs is what one picture takes in a training step: forward, the gradient
// of every layer's input but the first's, and, where weights train, the gradient
// of the weights. bodyGrad says whether gradients go down into the body, and
// bodyWeights whether its weights train.
func trainFLOPs(m nn.Module, size int, bodyGrad, bodyWeights bool) float64 {
	all, first, head := macs(m, size)
	n := all + 2*head
	if bodyGrad {
		n += all - head - first
	}
	if bodyWeights {
		n += all - head
	}
	return 2 * n
}
