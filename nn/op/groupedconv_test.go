package op_test

import (
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// groupedCase is a grouped convolution with weights [kh,kw,in,out] of maps 9×8.
func groupedCase(name string, kh, kw, in, out, groups, stride int, pad op.Padding, bias bool, a op.Activation, rows, cols int, refuses ...optest.Refusal) optest.Case {
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			c := &op.GroupedConv{Weight: newParam(r, kh, kw, in, out), Groups: groups, Stride: stride, Padding: pad, Activation: a}
			if !bias {
				return c, []*autograd.Parameter{c.Weight}
			}
			c.Bias = newParam(r, out)
			return c, []*autograd.Parameter{c.Weight, c.Bias}
		},
		Inputs: [][]int{{2, 9, 8, in * groups}},
		Shape:  []int{2, rows, cols, out},
		MACs:   float64(2 * rows * cols * kh * kw * in * out),
		Want: func(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			return activated(convolvedInGroups(widen(in[0]), o.(*op.GroupedConv), rows, cols), a).v
		},
		Operators: []string{"Conv"},
		Refuses:   refuses,
	}
}

var groupedConvCases = []optest.Case{
	groupedCase("3×3 in groups of 4", 3, 3, 4, 12, 3, 1, op.Padding{Rows: 1, Cols: 1}, false, op.Identity, 9, 8,
		optest.Refusal{Inputs: [][]int{{2, 9, 8, 4}}, Word: "4 channels reach a grouped convolution for 12"},
		optest.Refusal{Inputs: [][]int{{2, 12}}, Word: "want [N,H,W,C]"}),
	groupedCase("3×3 at a stride, bias, relu", 3, 3, 24, 48, 2, 2, op.Padding{Rows: 1, Cols: 1}, true, op.ReLU, 5, 4),
	groupedCase("3×3 at a stride with same padding, silu", 3, 3, 8, 8, 1, 2, op.Padding{Same: true}, false, op.SiLU, 5, 4),
	groupedCase("1×7 in one group", 1, 7, 5, 6, 1, 1, op.Padding{Cols: 3}, true, op.Identity, 9, 8),
	groupedCase("5×2 without padding", 5, 2, 3, 4, 2, 1, op.Padding{}, true, op.Hardswish, 5, 7,
		optest.Refusal{Inputs: [][]int{{1, 4, 9, 6}}, Word: "too small"}),
}

// convolvedInGroups is a grouped convolution with a result of rows×cols.
func convolvedInGroups(x array, c *op.GroupedConv, rows, cols int) array {
	w := widen(c.Weight.Value)
	in, out := w.shape[2], w.shape[3]/c.Groups
	top, left := c.Padding.Rows, c.Padding.Cols
	if c.Padding.Same {
		top, left = max(0, (rows-1)*c.Stride+w.shape[0]-x.shape[1])/2, max(0, (cols-1)*c.Stride+w.shape[1]-x.shape[2])/2
	}
	y := newArray(x.shape[0], rows, cols, w.shape[3])
	for i := range y.v {
		k := i % w.shape[3]
		col, row, n := i/w.shape[3]%cols, i/w.shape[3]/cols%rows, i/w.shape[3]/cols/rows
		if c.Bias != nil {
			y.v[i] = float64(c.Bias.Value.Data[k])
		}
		for kh := range w.shape[0] {
			for kw := range w.shape[1] {
				h, v := row*c.Stride-top+kh, col*c.Stride-left+kw
				for ch := 0; ch < in && x.inside(h, v); ch++ {
					y.v[i] += x.v[x.at(n, h, v, k/out*in+ch)] * w.v[w.at(kh, kw, ch, k)]
				}
			}
		}
	}
	return y
}

func TestGroupedConv(t *testing.T) { optest.Run(t, groupedConvCases...) }

// TestGroupedConvRefusesGroups has groups that do not divide the channels.
func TestGroupedConvRefusesGroups(t *testing.T) {
	for _, groups := range []int{0, 3} {
		c := &op.GroupedConv{Weight: newParam(rng.New(1), 1, 1, 2, 4), Groups: groups, Stride: 1}
		if _, err := c.Shape(nil, [][]int{{1, 2, 2, 2 * groups}}); err == nil {
			t.Errorf("%d groups of 4 channels: no error", groups)
		}
	}
}
