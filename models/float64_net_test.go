package models

import (
	"fmt"
	"math"
	"sort"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// net64 computes a model in float64, forward and backward, from its list of
// operations (nn.BuildGraph): independent of the tape, the fused operations and
// the kernels that it is there to check.
type net64 struct {
	g        *graph.Graph
	training bool // batch norms use, and remember, the batch's statistics

	// openGaps makes Forward change the shift before every ReLU, channel by
	// channel, so that no value lies near 0: see open.
	openGaps bool
	// step is added to parameters, by the address of their first value.
	step map[*float32][]float64

	shape [][]int
	value [][]float64
	norm  []norm64
	from  [][]int                // of max pools
	grad  map[*float32][]float64 // of parameters, by the address of their first value

	// reluGap and poolGap are the least distances from a decision that could
	// have gone the other way, in units of the root mean square of the values
	// that it is about.
	reluGap, poolGap float64
}

// param returns a parameter's values.
func (n *net64) param(p []float32) []float64 {
	v := float64s(p)
	for i, d := range n.step[&p[0]] {
		v[i] += d
	}
	return v
}

func float64s(f []float32) []float64 {
	v := make([]float64, len(f))
	for i, x := range f {
		v[i] = float64(x)
	}
	return v
}

func rms(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return math.Sqrt(s / float64(len(v)))
}

// conv is the convolution of node i, whose input has shape s.
func (n *net64) conv(i int, s []int) conv.Conv {
	o := n.g.Nodes[i].Op.(*op.Conv)
	w := o.Weight.Value.Shape
	return conv.Conv{N: s[0], H: s[1], W: s[2], C: s[3], K: w[3], KH: w[0], KW: w[1], Stride: o.Stride, Pad: o.Pad}
}

// Forward returns the result for x of the given shape [N,H,W,C].
func (n *net64) Forward(x []float32, shape []int) []float64 {
	nodes := n.g.Nodes
	n.shape, n.value = make([][]int, len(nodes)), make([][]float64, len(nodes))
	n.norm, n.from = make([]norm64, len(nodes)), make([][]int, len(nodes))
	n.reluGap, n.poolGap = math.Inf(1), math.Inf(1)
	n.shape[0], n.value[0] = shape, float64s(x)
	for i := 1; i < len(nodes); i++ {
		d := nodes[i]
		in, s := n.value[d.Inputs[0]], n.shape[d.Inputs[0]]
		c := s[len(s)-1]
		switch o := d.Op.(type) {
		case *op.Conv:
			cv := n.conv(i, s)
			oh, ow := cv.Out()
			n.shape[i], n.value[i] = []int{s[0], oh, ow, cv.K}, conv64(cv, in, n.param(o.Weight.Value.Data))
			addBias(n.value[i], n.bias(o.Bias))
		case *op.Norm:
			var st *norm64
			if !n.training {
				st = &norm64{mean: float64s(o.State.RunningMean), variance: float64s(o.State.RunningVar)}
			}
			n.shape[i] = s
			n.value[i], n.norm[i] = batchNorm64(in, n.param(o.State.Weight.Value.Data), n.param(o.State.Bias.Value.Data), o.State.Eps, st)
		case op.Activation: // ReLU
			if n.openGaps {
				n.open(d.Inputs[0])
			}
			scale := rms(in)
			y := make([]float64, len(in))
			for k, v := range in {
				y[k] = max(v, 0)
				n.reluGap = min(n.reluGap, math.Abs(v)/scale)
			}
			n.shape[i], n.value[i] = s, y
		case op.Add:
			y := append([]float64(nil), in...)
			axpy64(1, n.value[d.Inputs[1]], y)
			n.shape[i], n.value[i] = s, y
		case op.Dropout: // which networks are compared without
			n.shape[i], n.value[i] = s, in
		case op.MaxPool:
			y, from, gap := maxPool64(in, s[0], s[1], s[2], c, o.Kernel, o.Stride, o.Pad, o.Ceil)
			n.shape[i] = []int{s[0], pool.Out(s[1], o.Kernel, o.Stride, o.Pad, o.Ceil), pool.Out(s[2], o.Kernel, o.Stride, o.Pad, o.Ceil), c}
			n.value[i], n.from[i], n.poolGap = y, from, min(n.poolGap, gap/rms(in))
		case op.GlobalPool:
			hw := s[1] * s[2]
			y := make([]float64, s[0]*c)
			for k, v := range in {
				y[k/(hw*c)*c+k%c] += v / float64(hw)
			}
			n.shape[i], n.value[i] = []int{s[0], c}, y
		case op.Concat:
			a, b := in, n.value[d.Inputs[1]]
			cb := len(b) / (len(a) / c)
			y := make([]float64, 0, len(a)+len(b))
			for r := range len(a) / c {
				y = append(append(y, a[r*c:(r+1)*c]...), b[r*cb:(r+1)*cb]...)
			}
			n.shape[i] = append(append([]int(nil), s[:len(s)-1]...), c+cb)
			n.value[i] = y
		case *op.Linear:
			w := n.param(o.Weight.Value.Data)
			out := len(w) / c
			y := make([]float64, s[0]*out)
			for k := range y {
				for j, v := range in[k/out*c:][:c] {
					y[k] += v * w[k%out*c+j]
				}
			}
			addBias(y, n.bias(o.Bias))
			n.shape[i], n.value[i] = []int{s[0], out}, y
		default:
			panic(fmt.Sprintf("net64 does not know the operation %v", d.Op))
		}
	}
	return n.value[n.g.Output]
}

// bias returns the values of a bias, nil for none.
func (n *net64) bias(p *autograd.Parameter) []float64 {
	if p == nil {
		return nil
	}
	return n.param(p.Value.Data)
}

func addBias(y, bias []float64) {
	for i := range y {
		if bias != nil {
			y[i] += bias[i%len(bias)]
		}
	}
}

// open moves node i, which a ReLU reads, by a shift for each channel: 0 comes to
// lie in the middle of the widest gap between two values of the channel that
// are neighbors, among those not far from its median. So every channel still
// has values on both sides. The shift is the batch norm's or the bias that the
// model has there.
func (n *net64) open(i graph.Value) {
	d := n.g.Nodes[i]
	at := graph.Value(i)
	if d.Op == (op.Add{}) {
		at = max(d.Inputs[0], d.Inputs[1])
	}
	var shift []float32
	if norm, ok := n.g.Nodes[at].Op.(*op.Norm); ok {
		shift = norm.State.Bias.Value.Data
	} else {
		shift = n.g.Nodes[at].Op.(*op.Conv).Bias.Value.Data
	}
	v := n.value[i]
	c := len(shift)
	rows := len(v) / c
	for k := range c {
		column := make([]float64, rows)
		for r := range column {
			column[r] = v[r*c+k]
		}
		sort.Float64s(column)
		widest, middle := -1.0, 0.0
		for r := rows / 4; r < max(rows/4+1, rows*3/4) && r+1 < rows; r++ {
			if gap := column[r+1] - column[r]; gap > widest {
				widest, middle = gap, (column[r+1]+column[r])/2
			}
		}
		moved := float32(float64(shift[k]) - middle)
		delta := float64(moved) - float64(shift[k])
		shift[k] = moved
		for r := range rows {
			v[r*c+k] += delta
		}
	}
}

// Backward fills grad from dy, the gradient of the result of the last Forward,
// which ran with training set, and returns the gradient of x.
func (n *net64) Backward(dy []float32) []float64 {
	nodes := n.g.Nodes
	n.grad = map[*float32][]float64{}
	d := make([][]float64, len(nodes))
	give := func(i graph.Value, g []float64) {
		if d[i] == nil {
			d[i] = make([]float64, len(g))
		}
		axpy64(1, g, d[i])
	}
	give(n.g.Output, float64s(dy))
	for i := len(nodes) - 1; i > 0; i-- {
		node, g := nodes[i], d[i]
		if g == nil {
			continue
		}
		d[i] = nil
		j := node.Inputs[0]
		in, s := n.value[j], n.shape[j]
		c := s[len(s)-1]
		switch o := node.Op.(type) {
		case *op.Conv:
			cv := n.conv(i, s)
			n.grad[&o.Weight.Value.Data[0]] = conv64Weights(cv, in, g)
			n.biasGrad(o.Bias, g)
			give(j, conv64Data(cv, g, n.param(o.Weight.Value.Data)))
		case *op.Norm:
			st := o.State
			dx, dgamma, dbeta := batchNorm64Grad(in, g, n.param(st.Weight.Value.Data), n.norm[i])
			n.grad[&st.Weight.Value.Data[0]], n.grad[&st.Bias.Value.Data[0]] = dgamma, dbeta
			give(j, dx)
		case op.Activation: // ReLU
			dx := make([]float64, len(g))
			for k, v := range in {
				if v > 0 {
					dx[k] = g[k]
				}
			}
			give(j, dx)
		case op.Add:
			give(j, g)
			give(node.Inputs[1], g)
		case op.Dropout:
			give(j, g)
		case op.MaxPool:
			dx := make([]float64, len(in))
			for k, v := range g {
				dx[n.from[i][k]] += v
			}
			give(j, dx)
		case op.GlobalPool:
			hw := s[1] * s[2]
			dx := make([]float64, len(in))
			for k := range dx {
				dx[k] = g[k/(hw*c)*c+k%c] / float64(hw)
			}
			give(j, dx)
		case op.Concat:
			rows := len(in) / c
			width := len(g) / rows
			a, b := make([]float64, 0, len(in)), make([]float64, 0, len(g)-len(in))
			for r := range rows {
				a, b = append(a, g[r*width:][:c]...), append(b, g[r*width+c:(r+1)*width]...)
			}
			give(j, a)
			give(node.Inputs[1], b)
		case *op.Linear:
			w := n.param(o.Weight.Value.Data)
			out := len(w) / c
			dw, dx := make([]float64, len(w)), make([]float64, len(in))
			for k, v := range g {
				row := k / out * c
				axpy64(v, in[row:][:c], dw[k%out*c:])
				axpy64(v, w[k%out*c:][:c], dx[row:])
			}
			n.grad[&o.Weight.Value.Data[0]] = dw
			n.biasGrad(o.Bias, g)
			give(j, dx)
		}
	}
	return d[0]
}

// biasGrad notes the gradient of a bias, the sum of the rows of g.
func (n *net64) biasGrad(p *autograd.Parameter, g []float64) {
	if p == nil {
		return
	}
	db := make([]float64, p.Value.Len())
	for k, v := range g {
		db[k%len(db)] += v
	}
	n.grad[&p.Value.Data[0]] = db
}
