package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/layernorm"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// LayerNorm normalizes the C channels of each vector [N,C], token [N,T,C] or pixel
// [N,H,W,C] by their own mean and variance, times Weight plus Bias, both [C]: torch's
// LayerNorm (https://arxiv.org/abs/1607.06450), over the channels.
type LayerNorm struct {
	Weight, Bias *autograd.Parameter
	Eps          float64
}

// Name is "layernorm".
func (l *LayerNorm) Name() string { return "layernorm" }

// Shape is that of x.
func (l *LayerNorm) Shape(dst []int, in [][]int) ([]int, error) {
	if err := wantChannels("layer normalization", in[0], l.Weight.Value.Len()); err != nil {
		return nil, err
	}
	return append(dst, in[0]...), nil
}

// wantChannels returns an error unless s is a shape of vectors, tokens or maps of c
// channels.
func wantChannels(what string, s []int, c int) error {
	if len(s) < 2 || len(s) > 4 {
		return fmt.Errorf("input of shape %v reaches %s, want [N,%d], [N,T,%d] or [N,H,W,%d]", s, what, c, c, c)
	}
	if last := s[len(s)-1]; last != c {
		return fmt.Errorf("%d channels reach %s for %d", last, what, c)
	}
	return nil
}

// Trains reports whether a parameter trains.
func (l *LayerNorm) Trains() bool { return trains(l.Weight, l.Bias) }

// Switches are the parameters' RequiresGrad.
func (l *LayerNorm) Switches() []*bool { return switches(l.Weight, l.Bias) }

// geometry is the normalization of so many rows.
func (l *LayerNorm) geometry(rows int) layernorm.LayerNorm {
	return layernorm.LayerNorm{Rows: rows, C: l.Weight.Value.Len(), Eps: float32(l.Eps)}
}

// Forward normalizes in[0]. The result is recomputed for those whose backward pass
// reads it.
func (l *LayerNorm) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	v := layerNormSaved{x, tp.New(2, x.Rows()), l}
	y := tp.New(x.Shape()...)
	tp.Timed("layernorm", func() { v.forward(x.Value.Data, y.Value.Data) })
	needs := x.NeedsGrad() || l.Trains()
	if needs {
		autograd.Recompute(tp, y, []*autograd.Variable{x, v.stats}, v, func(tp *autograd.Tape, dst []float32, v *layerNormSaved) {
			tp.Saved(v.stats) // which the pass writes again
			v.forward(tp.Saved(v.x), dst)
		})
	}
	autograd.Record(tp, "layernorm", y, needs, []*autograd.Variable{x, v.stats}, v, layerNormBackward)
	tp.Free(v.stats)
	return y
}

// layerNormSaved is what the backward pass of a LayerNorm needs.
type layerNormSaved struct {
	x     *autograd.Variable
	stats *autograd.Variable // [2,rows]: each row's mean and the inverse of its deviation
	l     *LayerNorm
}

func (v *layerNormSaved) forward(x, y []float32) {
	rows, stats := v.x.Rows(), v.stats.Value.Data
	v.l.geometry(rows).Forward(x, v.l.Weight.Value.Data, v.l.Bias.Value.Data, y, stats[:rows], stats[rows:])
}

func layerNormBackward(tp *autograd.Tape, y *autograd.Variable, v *layerNormSaved) {
	l, rows := v.l, v.x.Rows()
	x, stats := tp.Saved(v.x), tp.Saved(v.stats)
	var dw, db []float32
	if l.Weight.RequiresGrad {
		dw = l.Weight.BeginGrad(tp)
	}
	if l.Bias.RequiresGrad {
		db = l.Bias.BeginGrad(tp)
	}
	// Where no gradient goes on, that of x is of no interest and takes the place of y's.
	dx, add := y.Grad.Data, false
	if v.x.NeedsGrad() && v.x.Grad != nil {
		dx, add = v.x.Grad.Data, true
	}
	l.geometry(rows).Backward(y.Grad.Data, x, l.Weight.Value.Data, stats[:rows], stats[rows:], dx, add, dw, db)
	if dw != nil {
		l.Weight.EndGrad(tp, dw)
	}
	if db != nil {
		l.Bias.EndGrad(tp, db)
	}
	if !add {
		tp.GiveGrad(v.x, y)
	}
}

// Compile copies the parameters.
func (l *LayerNorm) Compile(c *graph.Compiler) graph.Kernel {
	n := l.Weight.Value.Len()
	w, b := c.Hold(n), c.Hold(n)
	copy(w, l.Weight.Value.Data)
	copy(b, l.Bias.Value.Data)
	return graph.Run(func(in []*tensor.Tensor, y *tensor.Tensor) {
		rows := y.Len() / n
		stats := ground.GetScratch(2 * rows)
		defer ground.PutScratch(stats)
		l.geometry(rows).Forward(in[0].Data, w, b, y.Data, stats[:rows], stats[rows:])
	})
}

// ONNX is the definition, in the operators that runtimes know as layer normalization.
func (l *LayerNorm) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	w, err := e.Parameter(l.Weight.Value.Data)
	if err != nil {
		return "", err
	}
	b, err := e.Parameter(l.Bias.Value.Data)
	if err != nil {
		return "", err
	}
	axis := -1
	if len(e.Inputs[0]) == 4 {
		axis = 1
		w, b = e.Reshape(name+"_weight", w, -1, 1, 1), e.Reshape(name+"_bias", b, -1, 1, 1)
	}
	d := e.Sub(name+"_centered", in[0], e.ReduceMean(name+"_mean", in[0], axis))
	variance := e.ReduceMean(name+"_variance", e.Mul(name+"_square", d, d), axis)
	std := e.Sqrt(name+"_std", e.Add(name+"_variance_eps", variance, scalar(e, name+"_eps", l.Eps)))
	return e.Add(name, e.Mul(name+"_scaled", e.Div(name+"_normalized", d, std), w), b), nil
}

// MACs is 0.
func (l *LayerNorm) MACs([][]int) float64 { return 0 }
