package op

import (
	"math"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// GRN is the global response normalization of maps x [N,H,W,C] of ConvNeXt V2 (Woo
// et al. 2023, https://arxiv.org/abs/2301.00808): x*(1 + Weight*g/(mean(g) + Eps)) +
// Bias, g being the Euclidean norm of each channel of a picture and mean(g) that of
// the picture's channels. Weight and Bias are [C].
type GRN struct {
	Weight, Bias *autograd.Parameter
	Eps          float64
}

// Name is "grn".
func (o *GRN) Name() string { return "grn" }

// Shape is that of x.
func (o *GRN) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantMap("a global response normalization", in[0]); err != nil {
		return nil, err
	}
	if err := wantChannels("a global response normalization", in[0], o.Weight.Value.Len()); err != nil {
		return nil, err
	}
	return append(dst, in[0]...), nil
}

// Trains reports whether a parameter trains.
func (o *GRN) Trains() bool { return trains(o.Weight, o.Bias) }

// Switches are the parameters' RequiresGrad.
func (o *GRN) Switches() []*bool { return switches(o.Weight, o.Bias) }

// response is the normalization of maps: what both passes share.
type response struct {
	maps         norm.ScaleMaps
	weight, bias []float32
	eps          float64
}

func (o *GRN) response(shape []int) response {
	return response{norm.ScaleMaps{N: shape[0], HW: shape[1] * shape[2], C: shape[3]}, o.Weight.Value.Data, o.Bias.Value.Data, o.Eps}
}

// forward computes y from x, and the norms g [N,C], of which it is made.
func (r response) forward(x, y, g []float32) {
	c := r.maps.C
	factors := ground.GetScratch(len(g))
	defer ground.PutScratch(factors)
	r.maps.BackwardFactors(x, x, g) // sums of squares
	for n := range r.maps.N {
		row, f := g[n*c:][:c], factors[n*c:][:c]
		for i, v := range row {
			row[i] = float32(math.Sqrt(float64(v)))
		}
		share := 1 / (mean(row) + r.eps)
		for i, v := range row {
			f[i] = 1 + float32(r.weight[i]*float32(float64(v)*share))
		}
	}
	r.maps.Forward(x, factors, y)
	elementwise.AddBias(y, r.maps.N*r.maps.HW, c, r.bias, y)
}

func mean(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x))
}

// backward computes dx from dy, and dweight unless that is nil. With r = g/(mean(g)
// + eps), the factor of a channel is 1 + weight*r, and its gradient, the sum of x*dy,
// reaches x through the norms of all channels of the picture.
func (r response) backward(dy, x, g, dx, dweight []float32) {
	c, n := r.maps.C, r.maps.N
	own, through := ground.GetScratch(n*c), ground.GetScratch(n*c)
	defer ground.PutScratch(own)
	defer ground.PutScratch(through)
	r.maps.BackwardFactors(x, dy, through) // gradients of the factors
	clear(dweight)
	for i := range n {
		g, own, d := g[i*c:][:c], own[i*c:][:c], through[i*c:][:c]
		share, sum := 1/(mean(g)+r.eps), 0.0
		for k, v := range d {
			ratio := float64(g[k]) * share
			if dweight != nil {
				dweight[k] += float32(v * float32(ratio))
			}
			own[k] = 1 + float32(r.weight[k]*float32(ratio))
			sum += float64(float64(v) * float64(r.weight[k]) * ratio)
		}
		sum = float64(sum * (share / float64(c)))
		for k, v := range d {
			d[k] = 0
			if g[k] > 0 {
				d[k] = float32((float64(float64(v)*float64(r.weight[k])*share) - sum) / float64(g[k]))
			}
		}
	}
	second := ground.GetScratch(len(x))
	defer ground.PutScratch(second)
	r.maps.Forward(x, through, second)
	r.maps.Forward(dy, own, dx)
	elementwise.Add(dx, second, dx)
}

// Forward normalizes in[0].
func (o *GRN) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	r := o.response(x.Shape())
	y, g := tp.New(x.Shape()...), tp.New(r.maps.N, r.maps.C)
	v := grnSaved{x, g, o}
	tp.Timed("grn", func() { r.forward(x.Value.Data, y.Value.Data, g.Value.Data) })
	needs := x.NeedsGrad() || o.Trains()
	if needs {
		autograd.Recompute(tp, y, []*autograd.Variable{x, g}, v, func(tp *autograd.Tape, dst []float32, v *grnSaved) {
			v.o.response(v.x.Shape()).forward(tp.Saved(v.x), dst, tp.Saved(v.g))
		})
	}
	autograd.Record(tp, "grn", y, needs, []*autograd.Variable{x, g}, v, grnBackward)
	tp.Free(g)
	return y
}

// grnSaved is what the backward pass of a GRN needs.
type grnSaved struct {
	x, g *autograd.Variable // g: the norms
	o    *GRN
}

func grnBackward(tp *autograd.Tape, y *autograd.Variable, v *grnSaved) {
	o, dy := v.o, y.Grad.Data
	r := o.response(v.x.Shape())
	if o.Bias.RequiresGrad {
		o.Bias.AddGrad(tp, func(db []float32) { elementwise.SumRows(dy, y.Rows(), r.maps.C, db) })
	}
	var dw []float32
	if o.Weight.RequiresGrad {
		dw = o.Weight.BeginGrad(tp)
	}
	r.backward(dy, tp.Saved(v.x), tp.Saved(v.g), dy, dw)
	if dw != nil {
		o.Weight.EndGrad(tp, dw)
	}
	tp.GiveGrad(v.x, y)
}

// Compile copies the parameters.
func (o *GRN) Compile(c *graph.Compiler) graph.Kernel {
	n := o.Weight.Value.Len()
	w, b := c.Hold(n), c.Hold(n)
	copy(w, o.Weight.Value.Data)
	copy(b, o.Bias.Value.Data)
	return graph.Run(func(in []*tensor.Tensor, y *tensor.Tensor) {
		r := o.response(y.Shape)
		r.weight, r.bias = w, b
		g := ground.GetScratch(r.maps.N * r.maps.C)
		defer ground.PutScratch(g)
		r.forward(in[0].Data, y.Data, g)
	})
}

// ONNX is the definition.
func (o *GRN) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	w, err := e.Parameter(o.Weight.Value.Data)
	if err != nil {
		return "", err
	}
	b, err := e.Parameter(o.Bias.Value.Data)
	if err != nil {
		return "", err
	}
	w, b = e.Reshape(name+"_weight", w, -1, 1, 1), e.Reshape(name+"_bias", b, -1, 1, 1)
	g := e.AddNode("ReduceL2", name+"_norm", []onnx.Value{in[0]}, onnx.AttrInts("axes", 2, 3), onnx.AttrInt("keepdims", 1))
	share := e.Div(name+"_share", g, e.Add(name+"_mean_eps", e.ReduceMean(name+"_mean", g, 1), scalar(e, name+"_eps", o.Eps)))
	scaled := e.Mul(name+"_scaled", e.Mul(name+"_response", in[0], share), w)
	return e.Add(name, e.Add(name+"_shifted", scaled, b), in[0]), nil
}

// MACs is 0.
func (o *GRN) MACs([][]int) float64 { return 0 }
