package op_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

var tokensCases = []optest.Case{
	{
		Name: "class token", Inputs: [][]int{{2, 3, 2, 5}}, Shape: []int{2, 7, 5}, Want: tokenized,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			o := &op.Tokens{Class: newParam(r, 1, 1, 5), Position: newParam(r, 1, 7, 5), Rows: 3, Cols: 2, Prefixed: true}
			return o, []*autograd.Parameter{o.Class, o.Position}
		},
		Operators: []string{"Expand", "Concat"},
		Refuses: []optest.Refusal{
			{Inputs: [][]int{{2, 3, 2, 4}}, Word: "4 channels reach tokens of 5"},
			{Inputs: [][]int{{2, 6, 5}}, Word: "want [N,H,W,C]"},
		},
	},
	{
		Name: "registers without positions", Inputs: [][]int{{3, 2, 2, 4}}, Shape: []int{3, 7, 4}, Want: tokenized,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			o := &op.Tokens{Class: newParam(r, 1, 1, 4), Registers: newParam(r, 1, 2, 4), Position: newParam(r, 1, 4, 4), Rows: 2, Cols: 2}
			return o, []*autograd.Parameter{o.Class, o.Registers, o.Position}
		},
	},
	{
		Name: "positions of another size", Inputs: [][]int{{2, 3, 5, 3}}, Shape: []int{2, 16, 3},
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			o := &op.Tokens{Class: newParam(r, 1, 1, 3), Position: newParam(r, 1, 13, 3), Rows: 4, Cols: 3, Prefixed: true}
			return o, []*autograd.Parameter{o.Class, o.Position}
		},
		Operators: []string{"MatMul"},
	},
	{
		Name: "pixels alone", Inputs: [][]int{{2, 2, 2, 3}}, Shape: []int{2, 4, 3}, Want: tokenized,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			o := &op.Tokens{Position: newParam(r, 1, 4, 3), Rows: 2, Cols: 2}
			return o, []*autograd.Parameter{o.Position}
		},
	},
}

// tokenized is the definition for maps of the size that the positions are for.
func tokenized(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
	p, x := o.(*op.Tokens), widen(in[0])
	var before []float32
	for _, q := range []*autograd.Parameter{p.Class, p.Registers} {
		if q != nil {
			before = append(before, q.Value.Data...)
		}
	}
	var y []float64
	size := x.shape[1] * x.shape[2] * x.shape[3]
	for n := 0; n < len(x.v); n += size {
		position := p.Position.Value.Data
		for i, v := range before {
			if p.Prefixed {
				v += position[i]
			}
			y = append(y, float64(v))
		}
		if p.Prefixed {
			position = position[len(before):]
		}
		for i, v := range x.v[n : n+size] {
			y = append(y, v+float64(position[i]))
		}
	}
	return y
}

func TestTokens(t *testing.T) { optest.Run(t, tokensCases...) }

// TestPositionsAreResampled compares with torch's interpolate: testdata/resample.py.
func TestPositionsAreResampled(t *testing.T) {
	raw, err := os.ReadFile("testdata/resample.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]float64
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 3 {
		t.Fatalf("%d sizes, error %v", len(all), err)
	}
	p := autograd.NewParameter(tensor.New(1, 35, 1))
	for i := range p.Value.Data {
		p.Value.Data[i] = float32(math.Sin(1.3 * float64(i)))
	}
	for size, want := range all {
		var h, w int
		if _, err := fmt.Sscanf(size, "%dx%d", &h, &w); err != nil {
			t.Fatal(err)
		}
		tp := autograd.NewTape(autograd.NewArena())
		y := (&op.Tokens{Position: p, Rows: 5, Cols: 7}).Forward(tp, []*autograd.Variable{tp.Input(tensor.New(1, h, w, 1), false)})
		for i, v := range y.Value.Data {
			if math.Abs(float64(v)-want[i]) > 1e-6 {
				t.Errorf("%s: position %d is %v, want %v", size, i, v, want[i])
			}
		}
		tp.Reset()
	}
}

var firstTokenCases = []optest.Case{{
	Name: "tokens", Op: alone(op.FirstToken{}), Inputs: [][]int{{3, 4, 5}}, Shape: []int{3, 5},
	Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) (y []float64) {
		for n := range 3 {
			y = append(y, widen(in[0]).v[n*20:n*20+5]...)
		}
		return y
	},
	Operators: []string{"Slice"},
	Refuses:   []optest.Refusal{{Inputs: [][]int{{3, 5}}, Word: "want [N,T,C]"}},
}}

func TestFirstToken(t *testing.T) { optest.Run(t, firstTokenCases...) }
