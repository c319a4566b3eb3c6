package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file is the pass on the tape of a Linear over many rows, tokens or pixels,
// with what a plan has it do to its result: multiply the channels by a LayerScale,
// and add another value.
//
// The scale goes into the weights, which are far fewer than the values: y =
// x·(scale·w)ᵀ + scale·bias + residual. With dw' and dbias', the gradients of the
// scaled parameters, those of w and bias are scale times them, and the gradient of
// scale[o] is w[o]·dw'[o] + bias[o]*dbias'[o], since the scale stands before both.

// rowsForward is the product of in[0], of which in[1] is the residual if there is
// one, without the activation.
func (l *Linear) rowsForward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	w := l.Weight.Value
	g := conv.Linear{Rows: x.Rows(), In: w.Shape[1], Out: w.Shape[0]}
	var dims [4]int
	s := append(dims[:0], x.Shape()...)
	s[len(s)-1] = g.Out
	y := tp.New(s...)
	v := rowsSaved{x: x, g: g, l: l}
	e := elementwise.Epilogue{Bias: data(l.Bias)}
	if len(in) > 1 {
		v.residual = in[1]
		e.Residual = in[1].Value.Data
	}
	if l.scale != nil {
		v.scaled = tp.New(g.Out * (g.In + 1))
		autograd.Recompute(tp, v.scaled, nil, l, func(_ *autograd.Tape, dst []float32, l **Linear) { (*l).scaledTo(dst) })
	}
	tp.Timed("linear", func() {
		weights := w.Data
		if l.scale != nil {
			l.scaledTo(v.scaled.Value.Data)
			weights = v.scaled.Value.Data[:len(w.Data)]
			e.Bias = v.scaled.Value.Data[len(w.Data):]
		}
		g.Forward(x.Value.Data, weights, y.Value.Data, e)
	})
	var saved [2]*autograd.Variable
	if trains(l.Weight, l.scale) {
		saved[0] = x
	}
	if x.NeedsGrad() {
		saved[1] = v.scaled
	}
	needs := x.NeedsGrad() || l.Trains() || v.residual != nil && v.residual.NeedsGrad()
	autograd.Record(tp, "linear", y, needs, saved[:], v, rowsBackward)
	if v.scaled != nil {
		tp.Free(v.scaled)
	}
	return y
}

// rowsSaved is what the backward pass needs.
type rowsSaved struct {
	x, residual *autograd.Variable
	scaled      *autograd.Variable // the weights and the bias as the product has them; nil if it has the parameters
	g           conv.Linear
	l           *Linear
}

func rowsBackward(tp *autograd.Tape, y *autograd.Variable, v *rowsSaved) {
	l, dy := v.l, y.Grad.Data
	if l.scale == nil {
		if trains(l.Bias) {
			l.Bias.AddGrad(tp, func(db []float32) {
				tp.TimedBackward("linear bias", func() { elementwise.SumRows(dy, v.g.Rows, v.g.Out, db) })
			})
		}
		if l.Weight.RequiresGrad {
			x := tp.Saved(v.x)
			l.Weight.AddGrad(tp, func(dw []float32) {
				tp.TimedBackward("linear weights", func() { v.g.BackwardWeights(x, dy, dw) })
			})
		}
	} else if l.Trains() {
		v.scaledGradients(tp, dy)
	}
	if v.x.NeedsGrad() {
		w := l.Weight.Value.Data
		if v.scaled != nil {
			w = tp.Saved(v.scaled)[:len(w)]
		}
		add := v.x.Grad != nil
		if !add {
			tp.GradBuffer(v.x)
		}
		tp.TimedBackward("linear data", func() { v.g.BackwardData(dy, w, v.x.Grad.Data, add) })
	}
	if v.residual != nil {
		tp.GiveGrad(v.residual, y)
	}
}

// scaledTo writes the weights [out,in] and then the bias [out], both times the scale.
func (l *Linear) scaledTo(dst []float32) {
	type args struct {
		dst []float32
		l   *Linear
	}
	out := l.Weight.Value.Shape[0]
	parallel.ChunksWith(out, 32, args{dst, l}, func(a *args, lo, hi int) {
		w := a.l.Weight.Value
		in, bias := w.Shape[1], data(a.l.Bias)
		shift := a.dst[len(w.Data):]
		for o := lo; o < hi; o++ {
			s := a.l.scale.Value.Data[o]
			d := a.dst[o*in:][:in]
			for i, v := range w.Data[o*in:][:in] {
				d[i] = s * v
			}
			if shift[o] = 0; bias != nil {
				shift[o] = s * bias[o]
			}
		}
	})
}

// scaledGradients computes the gradients of the weights, the bias and the scale.
func (v *rowsSaved) scaledGradients(tp *autograd.Tape, dy []float32) {
	l, n := v.l, v.g.In*v.g.Out
	both := tp.New(n + v.g.Out) // of the scaled weights and the scaled bias
	defer tp.Release(both)
	dw, db := both.Value.Data[:n], both.Value.Data[n:]
	if trains(l.Weight, l.scale) {
		x := tp.Saved(v.x)
		tp.TimedBackward("linear weights", func() { v.g.BackwardWeights(x, dy, dw) })
	}
	if trains(l.Bias, l.scale) {
		tp.TimedBackward("linear bias", func() { elementwise.SumRows(dy, v.g.Rows, v.g.Out, db) })
	}
	scale := l.scale.Value.Data
	l.scale.AddGrad(tp, func(ds []float32) { l.scaleGradient(dw, db, ds) })
	if l.Bias != nil {
		l.Bias.AddGrad(tp, func(dst []float32) { elementwise.Mul(scale, db, dst) })
	}
	l.Weight.AddGrad(tp, func(dst []float32) { scaleRows(scale, dw, dst) })
}

// scaleGradient computes ds from the gradients of the scaled weights and bias.
func (l *Linear) scaleGradient(dw, db, ds []float32) {
	type args struct {
		dw, db, ds []float32
		l          *Linear
	}
	parallel.ChunksWith(len(ds), 32, args{dw, db, ds, l}, func(a *args, lo, hi int) {
		w := a.l.Weight.Value
		in, bias := w.Shape[1], data(a.l.Bias)
		for o := lo; o < hi; o++ {
			sum := 0.0
			d := a.dw[o*in:][:in]
			for i, v := range w.Data[o*in:][:in] {
				sum += float64(float64(v) * float64(d[i]))
			}
			if bias != nil {
				sum += float64(float64(bias[o]) * float64(a.db[o]))
			}
			a.ds[o] = float32(sum)
		}
	})
}

// scaleRows sets row o of dst to scale[o] times that of x.
func scaleRows(scale, x, dst []float32) {
	type args struct{ scale, x, dst []float32 }
	parallel.ChunksWith(len(scale), 32, args{scale, x, dst}, func(a *args, lo, hi int) {
		in := len(a.x) / len(a.scale)
		for o := lo; o < hi; o++ {
			s, d := a.scale[o], a.dst[o*in:][:in]
			for i, v := range a.x[o*in:][:in] {
				d[i] = s * v
			}
		}
	})
}
