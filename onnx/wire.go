package onnx

import (
	"math"

	"github.com/whippet-ml/whippet/weights"
	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of the fields of onnx.proto (ONNX's IR version 7) that are
// written here.
const (
	onnxIRVersion = 7

	modelIRVersion = 1
	modelProducer  = 2
	modelGraph     = 7
	modelOpset     = 8
	modelMetadata  = 14

	opsetVersion = 2

	graphNode        = 1
	graphName        = 2
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12

	nodeInput  = 1
	nodeOutput = 2
	nodeName   = 3
	nodeOp     = 4
	nodeAttr   = 5

	attrName   = 1
	attrFloat  = 2
	attrInt    = 3
	attrString = 4
	attrInts   = 8
	attrType   = 20

	tensorDims = 1
	tensorType = 2
	tensorName = 8
	tensorRaw  = 9

	valueName    = 1
	valueType    = 2
	typeTensor   = 1
	tensorElem   = 1
	tensorShape  = 2
	shapeDim     = 1
	dimValue     = 1
	dimParam     = 2
	entryKey     = 1
	entryContent = 2
)

// Attr is an attribute of a node.
type Attr struct {
	name string
	kind int64 // AttributeProto.AttributeType
	f    float32
	i    int64
	s    string
	ints []int64
}

const (
	kindFloat  = 1
	kindInt    = 2
	kindString = 3
	kindInts   = 7
)

// AttrFloat is an attribute with one number.
func AttrFloat(name string, v float32) Attr { return Attr{name: name, kind: kindFloat, f: v} }

// AttrInt is an attribute with one integer.
func AttrInt(name string, v int) Attr { return Attr{name: name, kind: kindInt, i: int64(v)} }

// AttrString is an attribute with a text.
func AttrString(name, v string) Attr { return Attr{name: name, kind: kindString, s: v} }

// AttrInts is an attribute with a list of integers.
func AttrInts(name string, v ...int) Attr {
	ints := make([]int64, len(v))
	for i, x := range v {
		ints[i] = int64(x)
	}
	return Attr{name: name, kind: kindInts, ints: ints}
}

// elementType is TensorProto.DataType.
func elementType(d weights.DType) uint64 {
	switch d {
	case weights.U8:
		return 2
	case weights.I64:
		return 7
	case weights.F64:
		return 11
	}
	return 1
}

func appendField(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// appendMessage also serves for strings.
func appendMessage[T []byte | string](b []byte, field protowire.Number, content T) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), string(content))
}

// encode returns the bytes of the model before and after its initializers, and
// its size with them. The initializers are the last field of the graph, so
// that they can be streamed: only their sizes are needed here.
func (g *Graph) encode() (before, after []byte, size int64) {
	var graph []byte
	for _, n := range g.nodes {
		graph = appendMessage(graph, graphNode, n.encode())
	}
	graph = appendMessage(graph, graphName, g.name)
	for _, v := range g.inputs {
		graph = appendMessage(graph, graphInput, v.encode())
	}
	for _, v := range g.outputs {
		graph = appendMessage(graph, graphOutput, v.encode())
	}
	graphSize := int64(len(graph))
	for _, a := range g.arrays {
		_, n := encodeInitializer(a)
		graphSize += n
	}

	before = appendField(nil, modelIRVersion, onnxIRVersion)
	before = appendMessage(before, modelProducer, "whippet")
	before = protowire.AppendTag(before, modelGraph, protowire.BytesType)
	before = protowire.AppendVarint(before, uint64(graphSize))
	before = append(before, graph...)

	after = appendMessage(after, modelOpset, appendField(nil, opsetVersion, Opset))
	for _, m := range g.metadata {
		entry := appendMessage(nil, entryKey, m[0])
		after = appendMessage(after, modelMetadata, appendMessage(entry, entryContent, m[1]))
	}
	return before, after, int64(len(before)) + graphSize - int64(len(graph)) + int64(len(after))
}

// encodeInitializer returns all of the field up to the numbers, and the size
// of the field with them.
func encodeInitializer(a *weights.Array) (head []byte, size int64) {
	var t []byte
	for _, d := range a.Shape {
		t = appendField(t, tensorDims, uint64(d))
	}
	t = appendField(t, tensorType, elementType(a.DType))
	t = appendMessage(t, tensorName, a.Name)
	raw := int64(a.Len()) * int64(a.DType.Size())
	t = protowire.AppendTag(t, tensorRaw, protowire.BytesType)
	t = protowire.AppendVarint(t, uint64(raw))

	head = protowire.AppendTag(nil, graphInitializer, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(int64(len(t))+raw))
	head = append(head, t...)
	return head, int64(len(head)) + raw
}

func (n node) encode() []byte {
	var b []byte
	for _, in := range n.inputs {
		b = appendMessage(b, nodeInput, string(in))
	}
	for _, out := range n.outputs {
		b = appendMessage(b, nodeOutput, string(out))
	}
	b = appendMessage(b, nodeName, string(n.outputs[0]))
	b = appendMessage(b, nodeOp, n.op)
	for _, a := range n.attrs {
		b = appendMessage(b, nodeAttr, a.encode())
	}
	return b
}

func (a Attr) encode() []byte {
	b := appendMessage(nil, attrName, a.name)
	switch a.kind {
	case kindFloat:
		b = protowire.AppendTag(b, attrFloat, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(a.f))
	case kindInt:
		b = appendField(b, attrInt, uint64(a.i))
	case kindString:
		b = appendMessage(b, attrString, a.s)
	case kindInts:
		for _, v := range a.ints {
			b = appendField(b, attrInts, uint64(v))
		}
	}
	return appendField(b, attrType, uint64(a.kind))
}

func (v value) encode() []byte {
	var shape []byte
	for _, d := range v.dims {
		var dim []byte
		if d.Name != "" {
			dim = appendMessage(dim, dimParam, d.Name)
		} else {
			dim = appendField(dim, dimValue, uint64(d.Size))
		}
		shape = appendMessage(shape, shapeDim, dim)
	}
	tensor := appendField(nil, tensorElem, elementType(v.elem))
	tensor = appendMessage(tensor, tensorShape, shape)
	b := appendMessage(nil, valueName, string(v.name))
	return appendMessage(b, valueType, appendMessage(nil, typeTensor, tensor))
}
