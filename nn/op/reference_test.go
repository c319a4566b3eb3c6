package op_test

import (
	"math"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// array is a tensor of float64, with which operations are computed in the
// plainest way.
type array struct {
	shape []int
	v     []float64
}

func newArray(shape ...int) array { return array{shape, make([]float64, tensor.Size(shape...))} }

func widen(t *tensor.Tensor) array {
	a := newArray(t.Shape...)
	for i, v := range t.Data {
		a.v[i] = float64(v)
	}
	return a
}

// at is where position h, w, c of picture n stands in a map.
func (a array) at(n, h, w, c int) int {
	return ((n*a.shape[1]+h)*a.shape[2]+w)*a.shape[3] + c
}

// inside reports whether row h and column w are in a map.
func (a array) inside(h, w int) bool {
	return h >= 0 && w >= 0 && h < a.shape[1] && w < a.shape[2]
}

func convolved(x array, c *op.Conv) array {
	w := widen(c.Weight.Value)
	k := w.shape[0]
	rows, cols, top, left := (x.shape[1]+2*c.Pad-k)/c.Stride+1, (x.shape[2]+2*c.Pad-k)/c.Stride+1, c.Pad, c.Pad
	if c.Same {
		rows, cols = (x.shape[1]+c.Stride-1)/c.Stride, (x.shape[2]+c.Stride-1)/c.Stride
		top, left = max(0, (rows-1)*c.Stride+k-x.shape[1])/2, max(0, (cols-1)*c.Stride+k-x.shape[2])/2
	}
	y := newArray(x.shape[0], rows, cols, w.shape[3])
	for i := range y.v {
		out := i % y.shape[3]
		col, row, n := i/y.shape[3]%y.shape[2], i/y.shape[3]/y.shape[2]%y.shape[1], i/y.shape[3]/y.shape[2]/y.shape[1]
		if c.Bias != nil {
			y.v[i] = float64(c.Bias.Value.Data[out])
		}
		for kh := range k {
			for kw := range k {
				h, v := row*c.Stride-top+kh, col*c.Stride-left+kw
				if !x.inside(h, v) {
					continue
				}
				for in := range x.shape[3] {
					y.v[i] += x.v[x.at(n, h, v, in)] * w.v[w.at(kh, kw, in, out)]
				}
			}
		}
	}
	return activated(y, c.Activation)
}

// activated applies f to x, in place.
func activated(x array, f op.Activation) array {
	for i, v := range x.v {
		x.v[i] = kerneltest.Activations[f.Name()].Value(v)
	}
	return x
}

// reluOr is ReLU or nothing.
func reluOr(relu bool) op.Activation {
	if relu {
		return op.ReLU
	}
	return op.Identity
}

func normalized(x array, n *op.Norm, training bool, residual []array) array {
	s, c := n.State, x.shape[len(x.shape)-1]
	y := newArray(x.shape...)
	rows := len(x.v) / c
	for k := range c {
		mean, variance := float64(s.RunningMean[k]), float64(s.RunningVar[k])
		if training && !s.UseRunning {
			mean, variance = 0, 0
			for r := range rows {
				mean += x.v[r*c+k] / float64(rows)
			}
			for r := range rows {
				variance += (x.v[r*c+k] - mean) * (x.v[r*c+k] - mean) / float64(rows)
			}
		}
		for i := k; i < len(x.v); i += c {
			y.v[i] = (x.v[i]-mean)/math.Sqrt(variance+s.Eps)*float64(s.Weight.Value.Data[k]) + float64(s.Bias.Value.Data[k])
			for _, r := range residual {
				y.v[i] += r.v[i]
			}
		}
	}
	return activated(y, n.Activation)
}

func maxPooled(x array, m op.MaxPool) array {
	size := func(n int) int {
		n += 2*m.Pad - m.Kernel
		out := n/m.Stride + 1
		if m.Ceil && n%m.Stride > 0 && out*m.Stride < n+m.Kernel-m.Pad { // a window starts inside
			out++
		}
		return out
	}
	y := newArray(x.shape[0], size(x.shape[1]), size(x.shape[2]), x.shape[3])
	for n := range y.shape[0] {
		for row := range y.shape[1] {
			for col := range y.shape[2] {
				for c := range y.shape[3] {
					largest := math.Inf(-1)
					for kh := range m.Kernel {
						for kw := range m.Kernel {
							if h, w := row*m.Stride-m.Pad+kh, col*m.Stride-m.Pad+kw; x.inside(h, w) {
								largest = math.Max(largest, x.v[x.at(n, h, w, c)])
							}
						}
					}
					y.v[y.at(n, row, col, c)] = largest
				}
			}
		}
	}
	return y
}

func globallyPooled(x array, largest bool) array {
	y := newArray(x.shape[0], x.shape[3])
	area := x.shape[1] * x.shape[2]
	for n := range x.shape[0] {
		for c := range x.shape[3] {
			mx, sum := math.Inf(-1), 0.0
			for i := range area {
				v := x.v[(n*area+i)*x.shape[3]+c]
				mx, sum = math.Max(mx, v), sum+v
			}
			if y.v[n*x.shape[3]+c] = sum / float64(area); largest {
				y.v[n*x.shape[3]+c] = mx
			}
		}
	}
	return y
}

// joined has the arrays side by side along the last dimension.
func joined(all ...array) array {
	last := len(all[0].shape) - 1
	shape := append([]int(nil), all[0].shape...)
	for _, a := range all[1:] {
		shape[last] += a.shape[last]
	}
	y := newArray(shape...)
	offset := 0
	for _, a := range all {
		c := a.shape[last]
		for i, v := range a.v {
			y.v[i/c*shape[last]+offset+i%c] = v
		}
		offset += c
	}
	return y
}

// newParam returns a parameter with normally distributed values.
func newParam(r *rng.Stream, shape ...int) *autograd.Parameter {
	p := autograd.NewParameter(tensor.New(shape...))
	for i := range p.Value.Data {
		p.Value.Data[i] = float32(r.Normal())
	}
	return p
}

// newConv returns a k×k convolution and its parameters.
func newConv(r *rng.Stream, k, in, out, stride, pad int, bias, relu bool) (*op.Conv, []*autograd.Parameter) {
	c := &op.Conv{Weight: newParam(r, k, k, in, out), Stride: stride, Pad: pad, Activation: reluOr(relu)}
	if !bias {
		return c, []*autograd.Parameter{c.Weight}
	}
	c.Bias = newParam(r, out)
	return c, []*autograd.Parameter{c.Weight, c.Bias}
}

// newNorm returns a batch norm of c channels and its parameters.
func newNorm(r *rng.Stream, c int, relu bool) (*op.Norm, []*autograd.Parameter) {
	s := &op.BatchNormState{Weight: newParam(r, c), Bias: newParam(r, c),
		RunningMean: make([]float32, c), RunningVar: make([]float32, c), Eps: 1e-5, Momentum: 0.1}
	for i := range c {
		s.RunningMean[i], s.RunningVar[i] = float32(r.Normal()), float32(0.5+r.Float64())
	}
	return &op.Norm{State: s, Activation: reluOr(relu)}, []*autograd.Parameter{s.Weight, s.Bias}
}
