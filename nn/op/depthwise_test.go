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

// depthwiseCase is a depthwise convolution with weights [kh,kw,1,c] of maps 9×8.
func depthwiseCase(name string, kh, kw, c, stride int, pad op.Padding, bias bool, a op.Activation, rows, cols int, refuses ...optest.Refusal) optest.Case {
	return optest.Case{
		Name: name,
		Op: func(r *rng.Stream) (graph.Op, []*autograd.Parameter) {
			return newDepthwise(r, kh, kw, c, stride, pad, bias, a)
		},
		Inputs: [][]int{{2, 9, 8, c}},
		Shape:  []int{2, rows, cols, c},
		MACs:   float64(2 * rows * cols * kh * kw * c),
		Want: func(o graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			return activated(convolvedApart(widen(in[0]), o.(*op.DepthwiseConv), rows, cols), a).v
		},
		Operators: []string{"Conv"},
		Refuses:   refuses,
	}
}

var depthwiseCases = []optest.Case{
	depthwiseCase("3×3", 3, 3, 5, 1, op.Padding{Rows: 1, Cols: 1}, false, op.Identity, 9, 8,
		optest.Refusal{Inputs: [][]int{{2, 9, 8, 4}}, Word: "4 channels reach a depthwise convolution for 5"},
		optest.Refusal{Inputs: [][]int{{2, 5}}, Word: "want [N,H,W,C]"}),
	depthwiseCase("5×5 at a stride, bias, relu6", 5, 5, 33, 2, op.Padding{Rows: 2, Cols: 2}, true, op.ReLU6, 5, 4),
	depthwiseCase("7×7, bias, relu", 7, 7, 16, 1, op.Padding{Rows: 3, Cols: 3}, true, op.ReLU, 9, 8),
	depthwiseCase("3×3 at a stride with same padding, hardswish", 3, 3, 8, 2, op.Padding{Same: true}, false, op.Hardswish, 5, 4),
	depthwiseCase("3×5 without padding", 3, 5, 3, 1, op.Padding{}, true, op.Identity, 7, 4,
		optest.Refusal{Inputs: [][]int{{1, 2, 9, 3}}, Word: "too small"}),
}

func newDepthwise(r *rng.Stream, kh, kw, c, stride int, pad op.Padding, bias bool, a op.Activation) (*op.DepthwiseConv, []*autograd.Parameter) {
	d := &op.DepthwiseConv{Weight: newParam(r, kh, kw, 1, c), Stride: stride, Padding: pad, Activation: a}
	if !bias {
		return d, []*autograd.Parameter{d.Weight}
	}
	d.Bias = newParam(r, c)
	return d, []*autograd.Parameter{d.Weight, d.Bias}
}

// convolvedApart is a depthwise convolution with a result of rows×cols.
func convolvedApart(x array, c *op.DepthwiseConv, rows, cols int) array {
	w := widen(c.Weight.Value)
	top, left := c.Padding.Rows, c.Padding.Cols
	if c.Padding.Same {
		top, left = max(0, (rows-1)*c.Stride+w.shape[0]-x.shape[1])/2, max(0, (cols-1)*c.Stride+w.shape[1]-x.shape[2])/2
	}
	y := newArray(x.shape[0], rows, cols, x.shape[3])
	for n := range x.shape[0] {
		for i := range rows * cols * x.shape[3] {
			ch, col, row := i%x.shape[3], i/x.shape[3]%cols, i/x.shape[3]/cols
			sum := 0.0
			if c.Bias != nil {
				sum = float64(c.Bias.Value.Data[ch])
			}
			for kh := range w.shape[0] {
				for kw := range w.shape[1] {
					if h, v := row*c.Stride-top+kh, col*c.Stride-left+kw; x.inside(h, v) {
						sum += x.v[x.at(n, h, v, ch)] * w.v[w.at(kh, kw, 0, ch)]
					}
				}
			}
			y.v[y.at(n, row, col, ch)] = sum
		}
	}
	return y
}

func TestDepthwiseConv(t *testing.T) { optest.Run(t, depthwiseCases...) }
