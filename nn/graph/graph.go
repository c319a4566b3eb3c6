// Package graph has a network as data: a list of operations in the order they
// run. Training, inference, export to ONNX and the count of multiplications all
// read that one list; none of them knows an operation by name.
//
// An operation is a value that implements Op, in package nn/op or in a program of
// its own. What two operations can do better together is a Rewrite, which belongs
// to the later of them.
package graph

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/onnx"
)

// Op is an operation: everything that has to be known of it, in one value.
// Activations are [N,H,W,C] for maps and [N,C] for vectors. An Op does not change
// while a graph has it; it may point to parameters that train.
type Op interface {
	// Name is the kind of operation that profiles show, such as "conv".
	Name() string

	// Shape appends to dst the shape of the result for inputs of shapes in. The
	// error is one that a user reads: what does not fit, and what to do about it.
	// The other methods are called only with inputs that Shape accepts.
	Shape(dst []int, in [][]int) ([]int, error)

	// Forward runs the operation on a tape, which records its backward pass. It
	// must not keep in.
	Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable

	// Compile prepares the operation for inference, in evaluation mode. The
	// result does not change when the parameters train on.
	Compile(c *Compiler) Kernel

	// ONNX adds the operation's nodes to a graph of ONNX operators, in evaluation
	// mode, reading in, and returns the last, which must have the given name.
	// Names of others start with it.
	ONNX(e *Exporter, name string, in []onnx.Value) (onnx.Value, error)

	// MACs is the number of multiplications, each with an addition, of the matrix
	// products and direct convolutions in the operation, for inputs of shapes in.
	MACs(in [][]int) float64
}

// Trainable is an operation with parameters, or with anything else that decides
// how it is planned.
type Trainable interface {
	Op
	// Trains reports whether a parameter of the operation needs a gradient now.
	Trains() bool
	// Switches returns what the plan of a training step depends on: the
	// parameters' RequiresGrad, for example. When one changes, the next step is
	// planned anew.
	Switches() []*bool
}

// Value is the result of an operation: the number of its node.
type Value int

// Input is the value that a graph reads.
const Input Value = 0

// Node is an operation and the values that it reads. Node 0 stands for the
// graph's input and has no operation.
type Node struct {
	Op     Op
	Inputs []Value
}

// Graph is a network as a list of operations in the order they run. It shares
// parameters with the modules it was built from.
type Graph struct {
	Nodes  []Node
	Output Value
}

// New returns a graph with nothing but its input.
func New() *Graph { return &Graph{Nodes: make([]Node, 1)} }

// Add appends an operation that reads in, values of g, and returns its result.
// It panics when a value is none of g's, which is a mistake of the module.
func (g *Graph) Add(op Op, in ...Value) Value {
	for _, v := range in {
		if v < 0 || int(v) >= len(g.Nodes) {
			panic(fmt.Sprintf("graph: %s reads value %d of a graph that has %d", op.Name(), v, len(g.Nodes)))
		}
	}
	g.Nodes = append(g.Nodes, Node{op, in})
	return Value(len(g.Nodes) - 1)
}

// Shapes returns the shape of every value for an input of the given shape.
func (g *Graph) Shapes(input []int) ([][]int, error) {
	shapes := make([][]int, len(g.Nodes))
	shapes[Input] = input
	for i, n := range g.Nodes[1:] {
		s, err := n.Op.Shape(nil, pick(shapes, n.Inputs))
		if err != nil {
			return nil, fmt.Errorf("nn: %w", err)
		}
		shapes[i+1] = s
	}
	return shapes, nil
}

// MACs returns how many multiplications each node takes for an input of the given
// shape; see Op.
func (g *Graph) MACs(input []int) ([]float64, error) {
	shapes, err := g.Shapes(input)
	if err != nil {
		return nil, err
	}
	macs := make([]float64, len(g.Nodes))
	for i, n := range g.Nodes[1:] {
		macs[i+1] = n.Op.MACs(pick(shapes, n.Inputs))
	}
	return macs, nil
}

// pick returns the elements of all that at names.
func pick[T any](all []T, at []Value) []T {
	p := make([]T, len(at))
	for k, v := range at {
		p[k] = all[v]
	}
	return p
}
