// Package onnx writes models in the ONNX format (https://onnx.ai): a graph of
// operators and its parameters, in one protobuf message of at most 2 GiB.
package onnx

import (
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/weights"
)

// Graph is a graph of ONNX operators in the making, which Write writes as a model
// that ONNX Runtime and other programs run. It knows nothing of layers: package
// models walks over a network and adds its nodes. Arrays are in ONNX's layouts:
// activations [N, C, H, W], convolution weights [K, C/group, KH, KW] as in
// PyTorch's files.
//
// Methods that add something return the Value that it computes. The first
// mistake (an input that nothing computes, a name used twice, an array whose
// shape and values disagree) is kept, later calls do nothing, and Write
// returns it; so a walk checks for errors once.
//
// The zero Graph is not ready for use; New makes one. Arrays are not
// copied and must not change before Write.
type Graph struct {
	name     string
	nodes    []node
	arrays   []*weights.Array
	inputs   []value
	outputs  []value
	metadata [][2]string
	known    map[Value]bool
	err      error
}

// Value is the name of an array in an ONNX graph: an input, an initializer or
// what a node computes. The empty Value stands for an optional input that is
// left out.
type Value string

// Dim is a dimension of an input or output: a fixed size, or, when Name is not
// empty, one that is chosen at each run, equal wherever the same name stands.
type Dim struct {
	Size int
	Name string
}

// Fixed returns dimensions of these sizes.
func Fixed(sizes ...int) []Dim {
	dims := make([]Dim, len(sizes))
	for i, s := range sizes {
		dims[i].Size = s
	}
	return dims
}

// DynamicBatch returns the dimensions [N, sizes...] with any batch size N.
func DynamicBatch(sizes ...int) []Dim {
	return append([]Dim{{Name: "N"}}, Fixed(sizes...)...)
}

type value struct {
	name Value
	elem weights.DType
	dims []Dim
}

type node struct {
	op      string
	inputs  []Value
	outputs []Value
	attrs   []Attr
}

// Opset is the version of the operator set that models declare: 13, of
// ONNX 1.8 (2020), which has all operators that are needed and is read by
// every runtime still in use.
const Opset = 13

// New returns an empty graph. name is for people.
func New(name string) *Graph {
	return &Graph{name: name, known: map[Value]bool{}}
}

// Err returns the first mistake, or nil.
func (g *Graph) Err() error { return g.err }

func (g *Graph) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf("onnx: graph %s: "+format, append([]any{quote(g.name)}, args...)...)
	}
}

// define makes a name known, once.
func (g *Graph) define(name Value) {
	switch {
	case g.err != nil:
	case name == "":
		g.fail("a value has an empty name")
	case g.known[name]:
		g.fail("two values are called %s", quote(string(name)))
	default:
		g.known[name] = true
	}
}

// Input declares an input of the model.
func (g *Graph) Input(name string, elem weights.DType, dims []Dim) Value {
	g.checkDims(name, dims)
	g.define(Value(name))
	g.inputs = append(g.inputs, value{Value(name), elem, dims})
	return Value(name)
}

// Output declares that v is an output of the model, under its own name; use
// Identity to give it another.
func (g *Graph) Output(v Value, elem weights.DType, dims []Dim) {
	g.checkDims(string(v), dims)
	if !g.known[v] {
		g.fail("the output %s is not computed by any node", quote(string(v)))
	}
	g.outputs = append(g.outputs, value{v, elem, dims})
}

func (g *Graph) checkDims(name string, dims []Dim) {
	for _, d := range dims {
		if d.Name == "" && d.Size < 1 {
			g.fail("%s has a dimension of size %d; give a size from 1 up or a name", quote(name), d.Size)
		}
	}
}

// Initializer adds an array of parameters or constants under its own name.
func (g *Graph) Initializer(a *weights.Array) Value {
	if err := a.Check(); err != nil {
		g.fail("%w", err)
	}
	g.define(Value(a.Name))
	g.arrays = append(g.arrays, a)
	return Value(a.Name)
}

// Metadata adds a pair to the model's metadata_props, for example the class
// names or how pictures are to be prepared. Pairs are written in order of
// their addition.
func (g *Graph) Metadata(key, value string) {
	for _, m := range g.metadata {
		if m[0] == key {
			g.fail("metadata %s is given twice", quote(key))
		}
	}
	g.metadata = append(g.metadata, [2]string{key, value})
}

// AddNode adds a node of operator op with one output, which gets the given
// name. It is what the methods named after operators use; it serves for all
// other operators of the default domain (https://onnx.ai/onnx/operators).
func (g *Graph) AddNode(op, output string, inputs []Value, attrs ...Attr) Value {
	for i, in := range inputs {
		if in != "" && !g.known[in] {
			g.fail("input %d of %s %s is %s, which nothing before it computes", i, op, quote(output), quote(string(in)))
		}
	}
	g.define(Value(output))
	g.nodes = append(g.nodes, node{op, inputs, []Value{Value(output)}, attrs})
	return Value(output)
}

// check is what can only be seen at the end.
func (g *Graph) check() error {
	switch {
	case g.err != nil:
		return g.err
	case len(g.inputs) == 0:
		g.fail("it has no input")
	case len(g.outputs) == 0:
		g.fail("it has no output")
	}
	return g.err
}

// maxBytes is the limit of protobuf messages, 2 GiB.
const maxBytes = 1<<31 - 1

// Write writes the model, a protobuf message of type ModelProto with the
// parameters inside. The same graph gives the same bytes.
func (g *Graph) Write(w io.Writer) error {
	if err := g.check(); err != nil {
		return err
	}
	before, after, size := g.encode()
	if size > maxBytes {
		return fmt.Errorf("onnx: graph %s: the model needs %d bytes, the format allows %d", quote(g.name), size, int64(maxBytes))
	}
	if _, err := w.Write(before); err != nil {
		return err
	}
	for _, a := range g.arrays {
		head, _ := encodeInitializer(a)
		if _, err := w.Write(head); err != nil {
			return err
		}
		if err := a.WriteElements(w); err != nil {
			return err
		}
	}
	_, err := w.Write(after)
	return err
}

// Save writes the model to path, whole or not at all.
func (g *Graph) Save(path string) error {
	if err := g.check(); err != nil {
		return err
	}
	if err := files.WriteFile(path, g.Write); err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	return nil
}

// quote quotes a name for messages, its beginning when it is long.
func quote(s string) string {
	const limit = 100
	if len(s) > limit {
		return fmt.Sprintf("%q...", s[:limit])
	}
	return fmt.Sprintf("%q", s)
}
