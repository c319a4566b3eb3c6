package op_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func param(shape ...int) *autograd.Parameter {
	p := autograd.NewParameter(tensor.New(shape...))
	r := rng.New(uint64(len(p.Value.Data)))
	for i := range p.Value.Data {
		p.Value.Data[i] = float32(0.5 * r.Normal())
	}
	return p
}

func conv(k, in, out, stride, pad int) *op.Conv {
	return &op.Conv{Weight: param(k, k, in, out), Bias: param(out), Stride: stride, Pad: pad}
}

func norm(c int) *op.Norm {
	s := &autograd.BatchNormState{Weight: param(c), Bias: param(c), RunningMean: make([]float32, c), RunningVar: make([]float32, c), Eps: 1e-5, Momentum: 0.1}
	for i := range c {
		s.Weight.Value.Data[i]++
		s.RunningMean[i], s.RunningVar[i] = 0.1*float32(i), 1+0.2*float32(i)
	}
	return &op.Norm{State: s}
}

func convParams(cs ...*op.Conv) (p []*autograd.Parameter) {
	for _, c := range cs {
		p = append(p, c.Weight, c.Bias)
	}
	return p
}

func TestOperations(t *testing.T) {
	c, strided, relu := conv(3, 5, 4, 1, 1), conv(3, 3, 8, 2, 0), conv(1, 6, 7, 1, 0)
	relu.ReLU = true
	b1, b3 := conv(1, 4, 5, 1, 0), conv(3, 4, 7, 1, 1)
	b1.ReLU, b3.ReLU = true, true
	n, n1, residual := norm(6), norm(7), norm(3)
	residual.ReLU = true
	lin := &op.Linear{Weight: param(3, 7), Bias: param(3)}
	normParams := func(n *op.Norm) []*autograd.Parameter { return []*autograd.Parameter{n.State.Weight, n.State.Bias} }
	maps := [][]int{{2, 7, 6, 5}}
	normStem := &op.NormMaxPool{Norm: norm(6), Pool: op.MaxPool{Kernel: 3, Stride: 2, Ceil: true}}
	normStem.Norm.ReLU = true
	convStem := &op.ConvMaxPool{Conv: conv(3, 3, 8, 2, 0), Pool: op.MaxPool{Kernel: 3, Stride: 1}}
	convStem.Conv.ReLU = true
	cases := []optest.Case{
		{Name: "conv", Op: c, In: maps, Params: convParams(c), Want: []int{2, 7, 6, 4}, MACs: 2 * 7 * 6 * 9 * 5 * 4, Refuse: [][][]int{{{2, 7, 6, 4}}, {{2, 5}}}},
		{Name: "conv at a stride", Op: strided, In: [][]int{{2, 7, 6, 3}}, Params: convParams(strided), Want: []int{2, 3, 2, 8}, MACs: 2 * 3 * 2 * 9 * 3 * 8, Refuse: [][][]int{{{1, 2, 9, 3}}}},
		{Name: "conv and relu", Op: relu, In: [][]int{{2, 4, 5, 6}}, Params: convParams(relu), Want: []int{2, 4, 5, 7}, MACs: 2 * 4 * 5 * 6 * 7},
		{Name: "branches", Op: op.NewConvBranches(b1, b3), In: [][]int{{2, 5, 6, 4}}, Params: convParams(b1, b3), Want: []int{2, 5, 6, 12}, MACs: 2 * 5 * 6 * 4 * (5 + 9*7), Refuse: [][][]int{{{2, 5, 6, 3}}}},
		{Name: "norm of maps", Op: n, In: [][]int{{3, 4, 5, 6}}, Params: normParams(n), Want: []int{3, 4, 5, 6}, Refuse: [][][]int{{{3, 4, 5, 5}}}},
		{Name: "norm of vectors", Op: n1, In: [][]int{{9, 7}}, Params: normParams(n1), Want: []int{9, 7}},
		{Name: "norm, residual and relu", Op: residual, In: [][]int{{2, 4, 5, 3}, {2, 4, 5, 3}}, Params: normParams(residual), Want: []int{2, 4, 5, 3}},
		{Name: "linear", Op: lin, In: [][]int{{5, 7}}, Params: []*autograd.Parameter{lin.Weight, lin.Bias}, Want: []int{5, 3}, MACs: 5 * 7 * 3, Refuse: [][][]int{{{5, 6}}, {{1, 1, 1, 7}}}},
		{Name: "relu", Op: op.ReLU{}, In: maps, Want: maps[0]},
		{Name: "add", Op: op.Add{}, In: [][]int{{2, 3, 4}, {2, 3, 4}}, Want: []int{2, 3, 4}, Refuse: [][][]int{{{2, 3}, {3, 2}}}},
		{Name: "concat of three", Op: op.Concat{}, In: [][]int{{2, 3, 3, 4}, {2, 3, 3, 5}, {2, 3, 3, 1}}, Want: []int{2, 3, 3, 10}, Refuse: [][][]int{{{2, 3, 3, 4}, {2, 3, 2, 4}}}},
		{Name: "max pool", Op: op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}, In: maps, Want: []int{2, 4, 3, 5}, Refuse: [][][]int{{{2, 5}}}},
		{Name: "max pool, ceil", Op: op.MaxPool{Kernel: 3, Stride: 2, Ceil: true}, In: [][]int{{2, 8, 6, 5}}, Want: []int{2, 4, 3, 5}, Refuse: [][][]int{{{1, 1, 1, 5}}}},
		{Name: "global average", Op: op.GlobalPool{}, In: maps, Want: []int{2, 5}, Refuse: [][][]int{{{2, 5}}}},
		{Name: "global maximum", Op: op.GlobalPool{Max: true}, In: maps, Want: []int{2, 5}},
		{Name: "concat pool", Op: op.ConcatPool{}, In: maps, Want: []int{2, 10}, Refuse: [][][]int{{{2, 5}}}},
		{Name: "dropout", Op: op.Dropout{P: 0.4}, In: [][]int{{6, 9}}, Want: []int{6, 9}},
		{Name: "stem with norm", Op: normStem, In: [][]int{{2, 7, 8, 6}}, Params: normParams(normStem.Norm), Want: []int{2, 3, 4, 6}, Refuse: [][][]int{{{2, 7, 8, 5}}}},
		{Name: "stem without norm", Op: convStem, In: [][]int{{2, 12, 12, 3}}, Params: convParams(convStem.Conv), Want: []int{2, 3, 3, 8}, MACs: 2 * 5 * 5 * 9 * 3 * 8, Refuse: [][][]int{{{1, 2, 9, 3}}}},
	}
	tested := map[string]bool{}
	for _, c := range cases {
		tested[reflect.Indirect(reflect.ValueOf(c.Op)).Type().Name()] = true
		t.Run(c.Name, func(t *testing.T) {
			if err := optest.Check(c); err != nil {
				t.Error(err)
			}
		})
	}
	for _, name := range operations(t) {
		if !tested[name] {
			t.Errorf("the operation %s has no case", name)
		}
	}
}

// operations returns the names of this package's types that are operations: those
// with a method MACs.
func operations(t *testing.T) (names []string) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	method := regexp.MustCompile(`(?m)^func \(.*?\*?(\w+)\) MACs\(`)
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range method.FindAllSubmatch(src, -1) {
			names = append(names, string(m[1]))
		}
	}
	if len(names) == 0 {
		t.Fatal("no operations are found")
	}
	return names
}

func TestRewrites(t *testing.T) {
	c, c1, c3, stem := conv(3, 3, 6, 1, 1), conv(1, 6, 4, 1, 0), conv(3, 6, 5, 1, 1), conv(3, 3, 20, 2, 0)
	n, m := norm(6), norm(6)
	pool := op.MaxPool{Kernel: 3, Stride: 2, Ceil: true}
	const relu = "relu(operation)"
	for _, r := range []struct {
		name   string
		build  func(g *graph.Graph) graph.Value
		params []*autograd.Parameter
		want   []string
	}{
		{"residual", func(g *graph.Graph) graph.Value {
			x := g.Add(n, g.Add(c, graph.Input))
			y := g.Add(m, g.Add(op.ReLU{}, x))
			return g.Add(op.ReLU{}, g.Add(op.Add{}, x, y))
		}, []*autograd.Parameter{c.Weight, n.State.Weight, m.State.Bias}, []string{"add(operation, value)", relu}},
		{"fire", func(g *graph.Graph) graph.Value {
			x := g.Add(op.ReLU{}, g.Add(c, graph.Input))
			return g.Add(op.Concat{}, g.Add(op.ReLU{}, g.Add(c1, x)), g.Add(op.ReLU{}, g.Add(c3, x)))
		}, convParams(c, c1, c3), []string{relu, relu, relu, "concat(conv, conv, …)"}},
		{"stem with norm", func(g *graph.Graph) graph.Value {
			return g.Add(pool, g.Add(op.ReLU{}, g.Add(n, g.Add(c, graph.Input))))
		}, []*autograd.Parameter{c.Weight, n.State.Weight, n.State.Bias}, []string{relu, "maxpool(relu(norm))"}},
		{"stem without", func(g *graph.Graph) graph.Value {
			return g.Add(pool, g.Add(op.ReLU{}, g.Add(stem, graph.Input)))
		}, convParams(stem), []string{relu, "maxpool(relu(conv))"}},
		{"head", func(g *graph.Graph) graph.Value {
			x := g.Add(c, graph.Input)
			return g.Add(op.Dropout{P: 0.5}, g.Add(op.Concat{}, g.Add(op.GlobalPool{Max: true}, x), g.Add(op.GlobalPool{}, x)))
		}, convParams(c), []string{"concat(global max, global average)"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			g := graph.New()
			g.Output = r.build(g)
			if err := optest.CheckRewrite(g, r.params, []int{2, 15, 13, 3}, r.want...); err != nil {
				t.Error(err)
			}
		})
	}
}
