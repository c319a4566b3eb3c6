package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/weights"
	"google.golang.org/protobuf/encoding/protowire"
)

// pbField is a field of a message as it is on the wire.
type pbField struct {
	number protowire.Number
	varint uint64 // also fixed32
	bytes  []byte
}

func pbParse(t *testing.T, b []byte) []pbField {
	t.Helper()
	var out []pbField
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatalf("tag: %v", protowire.ParseError(n))
		}
		b = b[n:]
		f := pbField{number: number}
		switch kind {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.varint = uint64(v)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("wire type %d", kind)
		}
		if n < 0 {
			t.Fatalf("field %d: %v", number, protowire.ParseError(n))
		}
		b = b[n:]
		out = append(out, f)
	}
	return out
}

// dumpONNX writes a model as text, one line for each part, from the wire
// format alone. It knows the fields by the numbers of onnx.proto, not by the
// constants of the package.
func dumpONNX(t *testing.T, model []byte) string {
	var s strings.Builder
	for _, f := range pbParse(t, model) {
		switch f.number {
		case 1:
			fmt.Fprintf(&s, "ir_version %d\n", f.varint)
		case 2:
			fmt.Fprintf(&s, "producer %s\n", f.bytes)
		case 7:
			dumpGraph(t, &s, f.bytes)
		case 8:
			for _, o := range pbParse(t, f.bytes) {
				fmt.Fprintf(&s, "opset field %d = %d\n", o.number, o.varint)
			}
		case 14:
			kv := pbParse(t, f.bytes)
			fmt.Fprintf(&s, "metadata %s = %s\n", kv[0].bytes, kv[1].bytes)
		default:
			t.Fatalf("model field %d", f.number)
		}
	}
	return s.String()
}

func dumpGraph(t *testing.T, s *strings.Builder, graph []byte) {
	for _, f := range pbParse(t, graph) {
		switch f.number {
		case 1:
			dumpNode(t, s, f.bytes)
		case 2:
			fmt.Fprintf(s, "graph %s\n", f.bytes)
		case 5:
			var dims []uint64
			var kind uint64
			var name, raw []byte
			for _, x := range pbParse(t, f.bytes) {
				switch x.number {
				case 1:
					dims = append(dims, x.varint)
				case 2:
					kind = x.varint
				case 8:
					name = x.bytes
				case 9:
					raw = x.bytes
				}
			}
			fmt.Fprintf(s, "initializer %s type %d %v %x\n", name, kind, dims, raw)
		case 11, 12:
			v := pbParse(t, f.bytes)
			tensor := pbParse(t, pbParse(t, v[1].bytes)[0].bytes)
			fmt.Fprintf(s, "%s %s type %d [", map[protowire.Number]string{11: "input", 12: "output"}[f.number], v[0].bytes, tensor[0].varint)
			for _, d := range pbParse(t, tensor[1].bytes) {
				dim := pbParse(t, d.bytes)[0]
				if dim.number == 2 {
					fmt.Fprintf(s, " %s", dim.bytes)
				} else {
					fmt.Fprintf(s, " %d", dim.varint)
				}
			}
			s.WriteString(" ]\n")
		default:
			t.Fatalf("graph field %d", f.number)
		}
	}
}

func dumpNode(t *testing.T, s *strings.Builder, node []byte) {
	var in, out, attrs []string
	var op string
	for _, f := range pbParse(t, node) {
		switch f.number {
		case 1:
			in = append(in, string(f.bytes))
		case 2:
			out = append(out, string(f.bytes))
		case 4:
			op = string(f.bytes)
		case 5:
			text := ""
			for _, a := range pbParse(t, f.bytes) {
				switch a.number {
				case 1:
					text = string(a.bytes) + "="
				case 2:
					text += fmt.Sprint(math.Float32frombits(uint32(a.varint)))
				case 3:
					text += fmt.Sprint(int64(a.varint))
				case 4:
					text += fmt.Sprintf("%q", a.bytes)
				case 8:
					text += fmt.Sprintf("%d,", int64(a.varint))
				case 20:
					text += fmt.Sprintf(":%d", a.varint)
				}
			}
			attrs = append(attrs, text)
		}
	}
	fmt.Fprintf(s, "%s(%s) -> %s", op, strings.Join(in, " "), strings.Join(out, " "))
	for _, a := range attrs {
		s.WriteString(" " + a)
	}
	s.WriteString("\n")
}

func TestStructure(t *testing.T) {
	g := New("small")
	x := g.Input("image", weights.F32, DynamicBatch(1, 5, 5))
	w := g.Initializer(&weights.Array{Name: "conv.weight", Shape: []int{1, 1, 1, 2}, F32: []float32{1, -2}})
	v := g.Conv("c", x, w, "", Window{Size: 3, Stride: 2, Pad: 1}, 0)
	v = g.Relu("r", v)
	v = g.MaxPool("p", v, Window{Size: 2}, true)
	pair := g.Concat("pair", 1, g.GlobalMaxPool("gm", v), g.GlobalAveragePool("ga", v))
	v = g.Flatten("f", pair)
	k := g.Initializer(&weights.Array{Name: "fc", Shape: []int{2, 2}, F32: []float32{1, 0, 0, 1}})
	one := g.Initializer(&weights.Array{Name: "one", DType: weights.I64, I64: []int64{1}})
	v = g.Linear("logits", v, k, "")
	v = g.Add("shifted", v, g.Cast("onef", one, weights.F32))
	v = g.Softmax("scores", v, -1)
	g.Output(v, weights.F32, DynamicBatch(2))
	g.Metadata("labels", "a,b")
	var b bytes.Buffer
	if err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `ir_version 7
producer whippet
Conv(image conv.weight) -> c kernel_shape=3,3,:7 strides=2,2,:7 pads=1,1,1,1,:7 group=1:2
Relu(c) -> r
MaxPool(r) -> p kernel_shape=2,2,:7 strides=1,1,:7 pads=0,0,0,0,:7 ceil_mode=1:2
GlobalMaxPool(p) -> gm
GlobalAveragePool(p) -> ga
Concat(gm ga) -> pair axis=1:2
Flatten(pair) -> f axis=1:2
Gemm(f fc) -> logits transB=1:2
Cast(one) -> onef to=1:2
Add(logits onef) -> shifted
Softmax(shifted) -> scores axis=-1:2
graph small
input image type 1 [ N 1 5 5 ]
output scores type 1 [ N 2 ]
initializer conv.weight type 1 [1 1 1 2] 0000803f000000c0
initializer fc type 1 [2 2] 0000803f00000000000000000000803f
initializer one type 7 [] 0100000000000000
opset field 2 = 13
metadata labels = a,b
`
	if got := dumpONNX(t, b.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := g.Save(path); err != nil {
		t.Fatal(err)
	}
}

func TestAttributes(t *testing.T) {
	g := New("a")
	x := g.Input("x", weights.U8, Fixed(1, 4, 4, 3))
	v := g.Transpose("t", x, 0, 3, 1, 2)
	v = g.AddNode("Any", "y", []Value{v, "", x}, AttrFloat("alpha", 0.25), AttrString("mode", "linear"))
	g.Output(v, weights.F64, nil)
	var b bytes.Buffer
	if err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	got := dumpONNX(t, b.Bytes())
	for _, want := range []string{
		"Transpose(x) -> t perm=0,3,1,2,:7\n",
		"Any(t  x) -> y alpha=0.25:1 mode=\"linear\":3\n",
		"input x type 2 [ 1 4 4 3 ]\n",
		"output y type 11 [ ]\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestOperators(t *testing.T) {
	for _, c := range []struct {
		add  func(g *Graph, x, y Value) Value
		want string
	}{
		{func(g *Graph, x, y Value) Value { return g.Conv("o", x, y, y, Window{Size: 1}, 4) }, "Conv(x y y) -> o kernel_shape=1,1,:7 strides=1,1,:7 pads=0,0,0,0,:7 group=4:2"},
		{func(g *Graph, x, y Value) Value { return g.BatchNorm("o", x, y, y, y, y, 0.5) }, "BatchNormalization(x y y y y) -> o epsilon=0.5:1"},
		{func(g *Graph, x, y Value) Value { return g.MaxPool("o", x, Window{Size: 3, Stride: 2, Pad: 1}, false) }, "MaxPool(x) -> o kernel_shape=3,3,:7 strides=2,2,:7 pads=1,1,1,1,:7 ceil_mode=0:2"},
		{func(g *Graph, x, y Value) Value { return g.AveragePool("o", x, Window{Size: 3, Stride: 2, Pad: 1}) }, "AveragePool(x) -> o kernel_shape=3,3,:7 strides=2,2,:7 pads=1,1,1,1,:7 count_include_pad=1:2"},
		{func(g *Graph, x, y Value) Value { return g.Linear("o", x, y, y) }, "Gemm(x y y) -> o transB=1:2"},
		{func(g *Graph, x, y Value) Value { return g.MatMul("o", x, y) }, "MatMul(x y) -> o"},
		{func(g *Graph, x, y Value) Value { return g.Add("o", x, y) }, "Add(x y) -> o"},
		{func(g *Graph, x, y Value) Value { return g.Sub("o", x, y) }, "Sub(x y) -> o"},
		{func(g *Graph, x, y Value) Value { return g.Mul("o", x, y) }, "Mul(x y) -> o"},
		{func(g *Graph, x, y Value) Value { return g.Div("o", x, y) }, "Div(x y) -> o"},
		{func(g *Graph, x, y Value) Value { return g.Cast("o", x, weights.I64) }, "Cast(x) -> o to=7:2"},
		{func(g *Graph, x, y Value) Value { return g.Identity("o", x) }, "Identity(x) -> o"},
	} {
		g := New("g")
		g.Output(c.add(g, g.Input("x", weights.F32, Fixed(1)), g.Input("y", weights.F32, Fixed(1))), weights.F32, nil)
		var b bytes.Buffer
		if err := g.Write(&b); err != nil {
			t.Fatal(err)
		}
		if got := dumpONNX(t, b.Bytes()); !strings.Contains(got, "\n"+c.want+"\n") {
			t.Errorf("no line %q in\n%s", c.want, got)
		}
	}
}

func TestMistakes(t *testing.T) {
	array := func(name string) *weights.Array {
		return &weights.Array{Name: name, Shape: []int{1}, F32: []float32{1}}
	}
	for _, c := range []struct {
		name  string
		build func(g *Graph)
		want  string
	}{
		{"no input", func(*Graph) {}, "no input"},
		{"no output", func(g *Graph) { g.Input("x", weights.F32, Fixed(1)) }, "no output"},
		{"unknown value", func(g *Graph) { g.Relu("y", "x") }, `"x", which nothing before it computes`},
		{"name twice", func(g *Graph) { g.Input("x", weights.F32, Fixed(1)); g.Initializer(array("x")) }, `two values are called "x"`},
		{"empty name", func(g *Graph) { g.Input("", weights.F32, Fixed(1)) }, "empty name"},
		{"bad array", func(g *Graph) { g.Initializer(&weights.Array{Name: "w", Shape: []int{2}}) }, "needs 2 values"},
		{"bad size", func(g *Graph) { g.Input("x", weights.F32, Fixed(0)) }, "dimension of size 0"},
		{"unknown output", func(g *Graph) { g.Input("x", weights.F32, Fixed(1)); g.Output("z", weights.F32, nil) }, `output "z"`},
		{"metadata twice", func(g *Graph) { g.Metadata("k", "a"); g.Metadata("k", "b") }, "twice"},
		{"the first counts", func(g *Graph) { g.Relu("y", "x"); g.Relu("y", "z") }, `"x"`},
	} {
		g := New("g")
		c.build(g)
		err := g.Write(&bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
		if saved := g.Save(filepath.Join(t.TempDir(), "x.onnx")); saved == nil || saved.Error() != err.Error() {
			t.Errorf("%s: Save gives %v", c.name, saved)
		}
		if strings.Contains(c.name, "input") || strings.Contains(c.name, "no ") {
			continue
		}
		if g.Err() == nil {
			t.Errorf("%s: Err is nil", c.name)
		}
	}
}

// full is a writer that is full at byte at.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.left {
		n := f.left
		f.left = 0
		return n, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

func TestWriteErrors(t *testing.T) {
	g := New("g")
	g.Output(g.Linear("y", g.Input("x", weights.F32, Fixed(1, 1)), g.Initializer(&weights.Array{Name: "w", Shape: []int{1, 1}, F32: []float32{1}}), ""), weights.F32, nil)
	g.Metadata("a", "b")
	var whole bytes.Buffer
	if err := g.Write(&whole); err != nil {
		t.Fatal(err)
	}
	for at := range whole.Len() {
		if err := g.Write(&full{at}); !errors.Is(err, errFull) {
			t.Errorf("full at byte %d: %v", at, err)
		}
	}
}
