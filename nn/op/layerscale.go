package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// LayerScale multiplies each channel of vectors [N,C], tokens [N,T,C] or maps
// [N,H,W,C] by its Gamma [C]: the end of a residual branch
// (https://arxiv.org/abs/2103.17239). After a Linear it becomes a part of that.
type LayerScale struct{ Gamma *autograd.Parameter }

// Name is "layerscale".
func (l *LayerScale) Name() string { return "layerscale" }

// Shape is that of x.
func (l *LayerScale) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantChannels("a layer scale", in[0], l.Gamma.Value.Len()); err != nil {
		return nil, err
	}
	return append(dst, in[0]...), nil
}

// Trains reports whether Gamma trains.
func (l *LayerScale) Trains() bool { return trains(l.Gamma) }

// Switches is Gamma's RequiresGrad.
func (l *LayerScale) Switches() []*bool { return switches(l.Gamma) }

// Forward scales in[0].
func (l *LayerScale) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	y := tp.New(x.Shape()...)
	tp.Timed("layerscale", func() { scaleColumns(l.Gamma.Value.Data, x.Value.Data, y.Value.Data) })
	var saved []*autograd.Variable
	if l.Trains() {
		saved = []*autograd.Variable{x}
	}
	autograd.Record(tp, "layerscale", y, x.NeedsGrad() || l.Trains(), saved, layerScaleSaved{x, l}, layerScaleBackward)
	return y
}

// layerScaleSaved is what the backward pass of a LayerScale needs.
type layerScaleSaved struct {
	x *autograd.Variable
	l *LayerScale
}

func layerScaleBackward(tp *autograd.Tape, y *autograd.Variable, v *layerScaleSaved) {
	dy := y.Grad.Data
	if v.l.Trains() {
		x := tp.Saved(v.x)
		v.l.Gamma.AddGrad(tp, func(dg []float32) { sumProducts(dy, x, dg) })
	}
	scaleColumns(v.l.Gamma.Value.Data, dy, dy)
	tp.GiveGrad(v.x, y)
}

// scaleColumns computes y = x*gamma for the channels of each row. y may be x.
func scaleColumns(gamma, x, y []float32) {
	type args struct{ gamma, x, y []float32 }
	c := len(gamma)
	rowwise.For(len(x)/c, c, args{gamma, x, y}, func(a *args, lo, hi int) {
		c := len(a.gamma)
		for r := lo; r < hi; r++ {
			y := a.y[r*c:][:c]
			for i, v := range a.x[r*c:][:c] {
				y[i] = v * a.gamma[i]
			}
		}
	})
}

// sumProducts sums x*y of each channel over the rows: each fixed piece of rows in
// float32, the pieces in float64.
func sumProducts(x, y, out []float32) {
	type args struct {
		x, y []float32
		c    int
		sums rowwise.Sums
	}
	c := len(out)
	a := args{x, y, c, rowwise.NewSums(len(x)/c, c, 1)}
	rowwise.For(len(x)/c, c, a, func(a *args, lo, hi int) {
		s := a.sums.At(lo)
		for r := lo; r < hi; r++ {
			y := a.y[r*a.c:][:a.c]
			for i, v := range a.x[r*a.c:][:a.c] {
				s[i] += float32(v * y[i])
			}
		}
	})
	a.sums.Merge(out)
}

// Compile copies Gamma.
func (l *LayerScale) Compile(c *graph.Compiler) graph.Kernel {
	gamma := c.Hold(l.Gamma.Value.Len())
	copy(gamma, l.Gamma.Value.Data)
	return graph.Run(func(in []*tensor.Tensor, y *tensor.Tensor) { scaleColumns(gamma, in[0].Data, y.Data) })
}

// ONNX is Mul.
func (l *LayerScale) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	g, err := e.Parameter(l.Gamma.Value.Data)
	if err != nil {
		return "", err
	}
	if len(e.Inputs[0]) == 4 {
		g = e.Reshape(name+"_gamma", g, -1, 1, 1)
	}
	return e.Mul(name, in[0], g), nil
}

// MACs is 0.
func (l *LayerScale) MACs([][]int) float64 { return 0 }

// Rewrites makes the scale a part of the operation before.
func (l *LayerScale) Rewrites() []graph.Rewrite { return layerScaleRewrites }

var layerScaleRewrites = []graph.Rewrite{
	{Name: "layerscale(operation)", Uses: graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
		gamma := p.Op(v).(*LayerScale).Gamma.Value.Data
		in := p.Inputs(v)[0]
		o, ok := p.Op(in).(TakesNorm)
		if !ok || p.Readers(in) > 1 || hasResidual(p, in) {
			return false
		}
		with := o.WithNorm(gamma, make([]float32, len(gamma)))
		if with == nil {
			return false
		}
		p.Replace(v, with, p.Inputs(in)...)
		return true
	}},
	{Name: "layerscale(linear)", Uses: graph.OnTape, Apply: func(p *graph.Plan, v graph.Value) bool {
		in := p.Inputs(v)[0]
		l, ok := p.Op(in).(*Linear)
		if !ok || l.Activation != Identity || l.scale != nil || p.Readers(in) > 1 || len(p.Inputs(in)) > 1 {
			return false
		}
		d := *l
		d.scale = p.Op(v).(*LayerScale).Gamma
		p.Replace(v, &d, p.Inputs(in)...)
		return true
	}},
}
