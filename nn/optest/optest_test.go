package optest

import (
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// Operations with one part wrong. All else is ReLU's.
type (
	wrongMACs     struct{ graph.Op }
	wrongShape    struct{ graph.Op }
	wrongGradient struct{ graph.Op }
	noGradient    struct{ graph.Op }
	wrongCompile  struct{ graph.Op }
	wasteful      struct{ graph.Op }
	wrongName     struct{ graph.Op }
	overwrites    struct{ graph.Op }
	panics        struct{ graph.Op }
	untrained     struct{ graph.Op }
)

func (wrongMACs) MACs([][]int) float64 { return 1 }

func (wrongShape) Shape(dst []int, in [][]int) ([]int, error) { return in[0], nil }

// Forward adds a copy of x that the backward pass does not know.
func (wrongGradient) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return op.Add{}.Forward(tp, []*autograd.Variable{in[0], tp.Input(in[0].Value, false)})
}

func (noGradient) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	return op.ReLU.Forward(tp, []*autograd.Variable{tp.Input(in[0].Value, true)})
}

func (wrongCompile) Compile(*graph.Compiler) graph.Kernel {
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { copy(out.Data, in[0].Data) })
}

var sink []float32

func (wasteful) Compile(c *graph.Compiler) graph.Kernel {
	k := op.ReLU.Compile(c)
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		sink = make([]float32, 100)
		k.Run(in, out)
	})
}

func (wrongName) ONNX(e *graph.Exporter, _ string, in []onnx.Value) (onnx.Value, error) {
	return e.Relu("mine", in[0]), nil
}

func (overwrites) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	y := op.ReLU.Forward(tp, in)
	copy(in[0].Value.Data, y.Value.Data)
	return y
}

func (panics) Shape(dst []int, in [][]int) ([]int, error) { return append(dst, in[0][:3]...), nil }

// TestFaultsAreFound checks that every fault is found, and that without one there
// is none.
func TestFaultsAreFound(t *testing.T) {
	p := autograd.NewParameter(tensor.New(1))
	for _, c := range []struct {
		o      graph.Op
		params []*autograd.Parameter
		in     Case
		want   string // in the message; "" for no fault
	}{
		{o: op.ReLU},
		{o: wrongMACs{op.ReLU}, want: "1 multiplications, want 0"},
		{o: wrongShape{op.ReLU}, want: "the shape appended"},
		{o: wrongGradient{op.ReLU}, want: "input 0: gradient 0 is"},
		{o: noGradient{op.ReLU}, want: "input 0 has a gradient is false"},
		{o: wrongCompile{op.ReLU}, want: "compiled: value"},
		{o: wasteful{op.ReLU}, want: "makes 1 allocations"},
		{o: wrongName{op.ReLU}, want: `called "mine"`},
		{o: op.ReLU, in: Case{Operators: []string{"Relu", "Add"}}, want: "no operator Add"},
		{o: overwrites{op.ReLU}, want: "input 0 is not what it was"},
		{o: untrained{op.ReLU}, params: []*autograd.Parameter{p}, want: "no graph.Trainable"},
		{o: op.ReLU, in: Case{Refuses: []Refusal{{Inputs: [][]int{{2, 3, 4}}, Word: "small"}}}, want: "accepted, with"},
		{o: panics{op.ReLU}, in: Case{Refuses: []Refusal{{Inputs: [][]int{{2}}, Word: "small"}}}, want: "panic"},
		{o: op.Add{}, in: Case{Inputs: [][]int{{2, 3, 4}, {2, 3, 4}}, Refuses: []Refusal{{Inputs: [][]int{{2}, {3}}, Word: "small"}}}, want: "the message is"},
		{o: op.ReLU, in: Case{Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 { return make([]float64, 24) }}, want: "that of the reference is 0"},
	} {
		k := c.in
		k.Op = func(*rng.Stream) (graph.Op, []*autograd.Parameter) { return c.o, c.params }
		k.Shape = []int{2, 3, 4}
		if k.Inputs == nil {
			k.Inputs = [][]int{k.Shape}
		}
		err := k.rules()
		if err == nil {
			err = k.check(t)
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%T: %v", c.o, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%T: the error is %v, want one with %q", c.o, err, c.want)
		}
	}
}

// vanishing lets a plan leave it out, though it does something.
type vanishing struct{ graph.Op }

func (vanishing) Rewrites() []graph.Rewrite {
	return []graph.Rewrite{{Name: "nothing", Uses: graph.OnTape | graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
		p.Bypass(v, p.Inputs(v)[0])
		return true
	}}}
}

// TestWrongRewriteIsFound checks a rewrite that changes what is computed, and one
// that is not the expected.
func TestWrongRewriteIsFound(t *testing.T) {
	for _, c := range []struct {
		applied []string
		want    string
	}{
		{[]string{"nothing"}, "planned: value"},
		{nil, "are applied for training"},
	} {
		err := GraphCase{
			Input: []int{2, 2, 2, 9}, NeedsGrad: true, Training: c.applied, Inference: c.applied,
			Build: func(g *graph.Graph, _ *rng.Stream) (graph.Value, []*autograd.Parameter) {
				return g.Add(vanishing{op.ReLU}, g.Add(op.GlobalPool{}, graph.Input)), nil
			},
		}.check()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want one with %q", err, c.want)
		}
	}
}
