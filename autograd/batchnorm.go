package autograd

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

// BatchNormState is what batch normalisation keeps: scale and shift, which
// train by gradient, and the running statistics, which move by Momentum in
// every training step. All are [C].
type BatchNormState struct {
	Weight, Bias            *Parameter
	RunningMean, RunningVar []float32
	Eps, Momentum           float64 // PyTorch's defaults: 1e-5 and 0.1
	UseRunning              bool    // take the running statistics even in training
	Batches                 int64   // how many batches have moved the running statistics
}

// BatchNorm normalises x [..., C] per channel over all other dimensions, with
// batch statistics in training and the running ones otherwise (torch's
// BatchNorm1d/2d), adds residual when it is not nil (x's shape) and applies
// ReLU when relu is set: y = relu(bn(x) + residual) in one pass over memory.
// It panics when a training batch gives a channel a single value, as torch
// refuses it: the variance is then undefined.
func BatchNorm(tp *Tape, x *Variable, s *BatchNormState, residual *Variable, relu bool) *Variable {
	c := x.Value.Dim(-1)
	rows := x.Value.Len() / c
	batch := tp.Training && !s.UseRunning
	if batch && rows < 2 {
		panic(fmt.Sprintf("autograd: batch norm needs more than one value per channel to train, input %v", x.Value.Shape))
	}
	y := tp.newVar(x.Value.Shape...)
	stat := tp.newVar(4, c)
	_, _, scale, shift := s.parts(stat)
	needs := x.needs || s.Weight.RequiresGrad || s.Bias.RequiresGrad || (residual != nil && residual.needs)
	if needs {
		from := append(make([]*Variable, 0, 3), x, stat)
		if residual != nil {
			from = append(from, residual)
		}
		remember(tp, y, from, normValue{x, stat, residual, relu}, makeNorm)
	}
	// Where the ReLU passed follows from x when there is no residual; otherwise a
	// bit for each value is kept. Neither way y is read on the backward pass.
	n := norm{x: x, stat: stat, residual: residual, s: s, batch: batch, relu: relu}
	n.fromX = relu && residual == nil && batch
	reads := append(make([]*Variable, 0, maxReads), x, stat)
	if relu && !n.fromX && needs && tp.Record {
		held := tp.newVar((elementwise.MaskWords(rows, c) + 1) / 2) // words in a float buffer
		n.mask = wordsOf(held.Value.Data)[:elementwise.MaskWords(rows, c)]
		reads = append(reads, held)
	}
	tp.timed("batch norm", func() {
		s.coefficients(x, batch, stat)
		var r []float32
		if residual != nil {
			r = residual.Value.Data
		}
		ss := elementwise.ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}
		ss.Apply(x.Value.Data, y.Value.Data, elementwise.Epilogue{Residual: r, Activation: activation(relu), Mask: n.mask})
	})
	record(tp, "batch norm", y, needs, reads, n, normBackward)
	tp.Free(stat)
	return y
}

// normValue is what makes the value of a BatchNorm again.
type normValue struct {
	x, stat, residual *Variable
	relu              bool
}

func makeNorm(tp *Tape, dst []float32, v *normValue) {
	stat, c := tp.value(v.stat), v.stat.shape[1]
	var r []float32
	if v.residual != nil {
		r = tp.value(v.residual)
	}
	ss := elementwise.ScaleShift{Rows: v.x.rows(), C: c, Scale: stat[2*c : 3*c], Shift: stat[3*c:]}
	ss.Apply(tp.value(v.x), dst, elementwise.Epilogue{Residual: r, Activation: activation(v.relu)})
}

// norm is what the backward pass of a BatchNorm needs.
type norm struct {
	x, stat, residual  *Variable
	s                  *BatchNormState
	mask               []uint16
	batch, relu, fromX bool
}

func normBackward(tp *Tape, y *Variable, n *norm) {
	x, s, residual := n.x, n.s, n.residual
	rows, c := x.rows(), n.stat.shape[1]
	dy, xs := y.Grad.Data, tp.value(x)
	mean, inv, scale, shift := s.parts(n.stat)
	sums := tp.newVar(2, c)
	dgamma, dbeta := sums.Value.Data[:c], sums.Value.Data[c:]
	b := elementwise.BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: inv, Gamma: s.Weight.Value.Data, DGamma: dgamma, DBeta: dbeta, Running: !n.batch}
	if n.fromX {
		b.Passed = elementwise.Mask{Scale: scale, Shift: shift}
	} else {
		b.Passed = elementwise.Mask{Words: n.mask}
	}
	b.Reduce(dy, xs)
	if s.Weight.RequiresGrad {
		s.Weight.grad(tp, func(d []float32) { copy(d, dgamma) })
	}
	if s.Bias.RequiresGrad {
		s.Bias.grad(tp, func(d []float32) { copy(d, dbeta) })
	}
	toRes := residual != nil && residual.needs
	switch {
	case x.needs && toRes:
		// dy, masked in place, becomes the residual's gradient.
		tp.gradInto(x, func(dx []float32) { b.Grad(dy, xs, dx, dy) })
		tp.giveGrad(residual, y)
	case x.needs:
		b.Grad(dy, xs, dy, nil)
		tp.giveGrad(x, y)
	case toRes:
		if n.relu {
			elementwise.MaskBackward(dy, n.mask, rows, c, dy)
		}
		tp.giveGrad(residual, y)
	}
	tp.release(sums)
}

// parts are what stat [4, C] holds of a step for the backward pass: the mean and
// 1/standard deviation that it normalised with, and the scale and shift that
// these, Weight and Bias come to.
func (s *BatchNormState) parts(stat *Variable) (mean, inv, scale, shift []float32) {
	d, c := stat.Value.Data, stat.Value.Dim(-1)
	return d[:c], d[c : 2*c], d[2*c : 3*c], d[3*c:]
}

// coefficients fills stat from x's own statistics, which the running ones then
// move towards, or from the running ones.
func (s *BatchNormState) coefficients(x *Variable, batch bool, stat *Variable) {
	mean, inv, scale, shift := s.parts(stat)
	if batch {
		c := len(mean)
		rows := x.Value.Len() / c
		elementwise.ChannelStats(x.Value.Data, rows, c, mean, inv)
		s.observe(mean, inv, rows)
	} else {
		copy(mean, s.RunningMean)
		copy(inv, s.RunningVar)
	}
	gamma, beta := s.Weight.Value.Data, s.Bias.Value.Data
	for i, v := range inv {
		inv[i] = float32(1 / math.Sqrt(float64(v)+s.Eps))
		scale[i] = gamma[i] * inv[i]
		shift[i] = beta[i] - mean[i]*scale[i]
	}
}

// observe moves the running statistics towards a batch's: mean, and variance
// made unbiased by rows/(rows-1), as PyTorch does.
func (s *BatchNormState) observe(mean, variance []float32, rows int) {
	s.Batches++
	m := s.Momentum
	unbias := float64(rows) / float64(rows-1)
	for i := range mean {
		s.RunningMean[i] = float32((1-m)*float64(s.RunningMean[i]) + m*float64(mean[i]))
		s.RunningVar[i] = float32((1-m)*float64(s.RunningVar[i]) + m*unbias*float64(variance[i]))
	}
}
