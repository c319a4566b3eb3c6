package nn

import (
	"math"

	"github.com/whippet-ml/whippet/tensor"
)

// Op is an operation of an inference graph.
type Op int

// The operations. Conv and ScaleShift may add a residual (their second input)
// and apply ReLU; Compile makes them so.
const (
	OpInput      Op = iota
	OpConv          // Weight [KH,KW,C,K], Shift [K] or nil
	OpScaleShift    // Scale, Shift [C]: batch norm with fixed statistics
	OpReLU
	OpAdd
	OpMaxPool
	OpGlobalAvg // [N,H,W,C] to [N,C]
	OpGlobalMax
	OpConcat // along channels
	OpLinear // Weight [out,in], Shift [out] or nil
)

var opNames = [...]string{"input", "conv", "batch norm", "relu", "add", "pool", "pool", "pool", "concat", "linear"}

// String names the kind of operation, as profiles show it.
func (o Op) String() string { return opNames[o] }

// Node is one operation and the numbers of the nodes it reads.
type Node struct {
	Op                  Op
	Inputs              []int
	Weight              *tensor.Tensor
	Scale, Shift        []float32
	Kernel, Stride, Pad int
	Ceil                bool       // OpMaxPool
	ReLU                bool       // applied to the result
	Norm                *BatchNorm // the layer an OpScaleShift comes from

	folded []float32 // what output channels of Weight are still to be multiplied by, or nil
}

// Graph is a model as a list of operations in the order they run. It shares
// weights with the model it was built from.
type Graph struct {
	Nodes  []Node
	Output int
}

// BuildGraph lists m's inference operations, as they stand in the model: no
// folding, no fusion. Node 0 is the input.
func BuildGraph(m Module) *Graph {
	g := &Graph{Nodes: []Node{{Op: OpInput}}}
	g.Output = m.Build(g, 0)
	return g
}

func (g *Graph) add(n Node) int {
	g.Nodes = append(g.Nodes, n)
	return len(g.Nodes) - 1
}

// Add appends an addition of two nodes, for modules with residual paths.
func (g *Graph) Add(a, b int) int { return g.add(Node{Op: OpAdd, Inputs: []int{a, b}}) }

// Concat appends a concatenation along the channels.
func (g *Graph) Concat(a, b int) int { return g.add(Node{Op: OpConcat, Inputs: []int{a, b}}) }

// affine writes what the layer does in inference: y = x*scale + shift.
func (b *BatchNorm) affine(scale, shift []float32) {
	for i := range scale {
		s := float64(b.S.Weight.Value.Data[i]) / math.Sqrt(float64(b.S.RunningVar[i])+b.S.Eps)
		scale[i] = float32(s)
		shift[i] = float32(float64(b.S.Bias.Value.Data[i]) - float64(b.S.RunningMean[i])*s)
	}
}

// fused returns a copy of g in which batch norms are folded into the
// convolution before them and additions and ReLUs into the operation that makes
// their operand. Dead nodes stay, unread.
func (g *Graph) fused() *Graph {
	f := &Graph{Nodes: append([]Node(nil), g.Nodes...), Output: g.Output}
	readers := make([]int, len(f.Nodes))
	for _, n := range f.Nodes {
		for _, i := range n.Inputs {
			readers[i]++
		}
	}
	readers[f.Output]++
	alias := make([]int, len(f.Nodes)) // where a node's value is found now
	for i := range f.Nodes {
		alias[i] = i
		n := &f.Nodes[i]
		n.Inputs = append([]int(nil), n.Inputs...)
		for k, in := range n.Inputs {
			n.Inputs[k] = alias[in]
		}
		switch n.Op {
		case OpScaleShift:
			src := &f.Nodes[n.Inputs[0]]
			if src.Op == OpConv && !src.ReLU && len(src.Inputs) == 1 && readers[n.Inputs[0]] == 1 {
				src.fold(n.Scale, n.Shift)
				alias[i] = n.Inputs[0]
			}
		case OpReLU:
			src := &f.Nodes[n.Inputs[0]]
			if (src.Op == OpConv || src.Op == OpScaleShift) && readers[n.Inputs[0]] == 1 {
				src.ReLU = true
				alias[i] = n.Inputs[0]
			}
		case OpAdd:
			// The later operand takes the earlier one as its residual, so that
			// the order of the list stays an order of execution.
			a, b := min(n.Inputs[0], n.Inputs[1]), max(n.Inputs[0], n.Inputs[1])
			src := &f.Nodes[b]
			if a != b && (src.Op == OpConv || src.Op == OpScaleShift) && !src.ReLU && len(src.Inputs) == 1 && readers[b] == 1 {
				src.Inputs = append(src.Inputs, a)
				alias[i] = b
			}
		}
		if alias[i] != i {
			readers[alias[i]] = readers[i]
		}
	}
	f.Output = alias[g.Output]
	return f
}

// fold makes a convolution one followed by x*scale+shift. The weights stay as
// they are until they are packed; see folding.
func (n *Node) fold(scale, shift []float32) {
	folded, bias := append([]float32(nil), scale...), append([]float32(nil), shift...)
	for i, s := range scale {
		if n.Shift != nil {
			bias[i] += n.Shift[i] * s
		}
		if n.folded != nil {
			folded[i] *= n.folded[i]
		}
	}
	n.folded, n.Shift = folded, bias
}

// folding writes the weights times folded to dst, of their size.
func (n *Node) folding(dst []float32) {
	w := n.Weight.Data
	for at := 0; at < len(w); at += len(n.folded) {
		for i, s := range n.folded {
			dst[at+i] = w[at+i] * s
		}
	}
}
