package optest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/testkit/alloctest"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// compiled compares the compiled operation with the tape in evaluation mode, and
// counts what a run that repeats allocates.
func (s *subject) compiled(t testing.TB) error {
	tp, _, y := s.forward(pass{false, 1}, false, every)
	want := slices.Clone(y.Value.Data)
	tp.Reset()
	g, x := single(s.op, s.in)
	inf := graph.Compile(g, s.arena)
	got := make([]float32, len(want))
	for range 2 { // the second time with buffers that the first has filled
		clear(got)
		if err := inf.RunInto(x, got); err != nil {
			return err
		}
		if err := near("the tape", got, want, s.Tolerance); err != nil {
			return err
		}
	}
	if n := s.arena.InUse(); n != 0 {
		return fmt.Errorf("%d buffers are in use after a run", n)
	}
	if allocs, bytes := alloctest.Least(t, 50, func() error { return inf.RunInto(x, got) }); allocs > 0 {
		return fmt.Errorf("a run that repeats makes %d allocations of %d bytes in all", allocs, bytes)
	}
	return nil
}

// onnx checks that the operation adds valid nodes, under the name it is given.
func (s *subject) onnx() error {
	b := onnx.New("case")
	added := 0
	e := &graph.Exporter{Graph: b, Parameter: func(values []float32) (onnx.Value, error) {
		if len(values) == 0 {
			return "", nil
		}
		added++
		return b.Initializer(&weights.Array{Name: fmt.Sprintf("w%d", added), Shape: []int{len(values)}, F32: values}), nil
	}}
	e.Inputs = s.Inputs
	var in []onnx.Value
	for i, x := range s.in {
		in = append(in, b.Input(fmt.Sprintf("x%d", i), weights.F32, onnx.Fixed(x.Shape...)))
	}
	y, err := s.op.ONNX(e, "y", in)
	if err != nil {
		return err
	}
	if y != "y" && (y != in[0] || len(s.params) > 0) { // nothing need be left of an operation without parameters
		return fmt.Errorf("the result is called %q, want \"y\"", y)
	}
	if added < len(s.params) {
		return fmt.Errorf("%d of %d parameters are in the graph", added, len(s.params))
	}
	b.Output(b.Identity("out", y), weights.F32, onnx.Fixed(s.Shape...))
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		return err
	}
	for _, kind := range s.Operators {
		// op_type is field 4 of a node: a tag, the length, the text.
		if !bytes.Contains(file.Bytes(), append([]byte{4<<3 | 2, byte(len(kind))}, kind...)) {
			return fmt.Errorf("no operator %s is in the graph", kind)
		}
	}
	return nil
}

// single returns a graph with o as its operation, and its input, which holds the
// values of in one after the other.
func single(o graph.Op, in []*tensor.Tensor) (*graph.Graph, *tensor.Tensor) {
	total := 0
	for _, x := range in {
		total += x.Len()
	}
	g, all := graph.New(), tensor.New(1, 1, 1, total)
	var parts []graph.Value
	at := 0
	for _, x := range in {
		copy(all.Data[at:], x.Data)
		parts = append(parts, g.Add(part{at, x.Shape}, graph.Input))
		at += x.Len()
	}
	g.Output = g.Add(o, parts...)
	return g, all
}

// part takes values of a graph's only input, from the given one on, so that an
// operation of several inputs can be compiled. It is for inference.
type part struct {
	from  int
	shape []int
}

func (p part) Name() string                              { return "part" }
func (p part) Shape(dst []int, _ [][]int) ([]int, error) { return append(dst, p.shape...), nil }
func (p part) MACs([][]int) float64                      { return 0 }
func (p part) Forward(*autograd.Tape, []*autograd.Variable) *autograd.Variable {
	panic("optest: part is for inference")
}

func (p part) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { copy(out.Data, in[0].Data[p.from:]) })
}

func (p part) ONNX(*graph.Exporter, string, []onnx.Value) (onnx.Value, error) {
	return "", errors.New("optest: part is for inference")
}
