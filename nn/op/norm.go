package op

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// Norm is batch normalization of x [...,C]: with the batch's statistics in
// training and the running ones otherwise. It may add a second input of x's shape.
type Norm struct {
	State      *BatchNormState
	Activation Activation // applied to the result
}

// Name is "batch norm".
func (n *Norm) Name() string { return "batch norm" }

// Shape is that of x.
func (n *Norm) Shape(dst []int, in [][]int) ([]int, error) {
	if err := n.Activation.check(); err != nil {
		return nil, err
	}
	s := in[0]
	if c := len(n.State.RunningMean); len(s) < 2 || s[len(s)-1] != c {
		return nil, fmt.Errorf("%d channels reach a batch norm for %d", s[len(s)-1], c)
	}
	return append(dst, s...), nil
}

// Trains reports whether scale or shift trains.
func (n *Norm) Trains() bool { return trains(n.State.Weight, n.State.Bias) }

// Switches are the parameters' RequiresGrad and the choice of statistics.
func (n *Norm) Switches() []*bool {
	return append(switches(n.State.Weight, n.State.Bias), &n.State.UseRunning)
}

// Forward normalizes in[0] and adds in[1] if it is there.
func (n *Norm) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	var residual *autograd.Variable
	if len(in) > 1 {
		residual = in[1]
	}
	relu, rest := n.Activation.onTape()
	return after(tp, normForward(tp, in[0], n.State, residual, relu), rest)
}

// affine is what the operation does in inference.
func (n *Norm) affine() (scale, shift []float32) {
	s := n.State
	scale, shift = make([]float32, len(s.RunningMean)), make([]float32, len(s.RunningMean))
	for i := range scale {
		f := float64(s.Weight.Value.Data[i]) / math.Sqrt(float64(s.RunningVar[i])+s.Eps)
		scale[i] = float32(f)
		shift[i] = float32(float64(s.Bias.Value.Data[i]) - float64(float64(s.RunningMean[i])*f))
	}
	return scale, shift
}

// Compile computes scale and shift of the running statistics.
func (n *Norm) Compile(*graph.Compiler) graph.Kernel {
	scale, shift := n.affine()
	activation := elementwise.Activation(n.Activation)
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) {
		c := len(scale)
		norm.ScaleShift{Rows: out.Len() / c, C: c, Scale: scale, Shift: shift}.Apply(in[0].Data, out.Data, elementwise.Epilogue{Residual: values(in, 1), Activation: activation})
	})
}

// ONNX is BatchNormalization, Add if there is a second input, and the operators of
// the activation if the operation has one.
func (n *Norm) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	s := n.State
	var p [4]onnx.Value
	for k, v := range [][]float32{s.Weight.Value.Data, s.Bias.Value.Data, s.RunningMean, s.RunningVar} {
		var err error
		if p[k], err = e.Parameter(v); err != nil {
			return "", err
		}
	}
	norm := name
	if n.Activation != Identity || len(in) > 1 {
		norm += "_norm"
	}
	y := e.BatchNorm(norm, in[0], p[0], p[1], p[2], p[3], float32(s.Eps))
	return epilogue(e, name, y, in[1:], n.Activation), nil
}

// MACs is 0.
func (n *Norm) MACs([][]int) float64 { return 0 }

// WithActivation returns the normalization followed by a: in inference any, on a
// tape ReLU.
func (n *Norm) WithActivation(m graph.Mode, a Activation) graph.Op {
	if !n.Activation.fuses(m, a) {
		return nil
	}
	return &Norm{n.State, a}
}

// TakesResidual reports true.
func (n *Norm) TakesResidual(graph.Mode) bool { return n.Activation == Identity }

// Rewrites folds the operation into the convolution before it.
func (n *Norm) Rewrites() []graph.Rewrite { return normRewrites }

var normRewrites = []graph.Rewrite{{Name: "norm(conv)", Uses: graph.Inference, Apply: func(p *graph.Plan, v graph.Value) bool {
	n, in := p.Op(v).(*Norm), p.Inputs(v)
	c, ok := p.Op(in[0]).(TakesNorm)
	if !ok || len(in) > 1 || hasResidual(p, in[0]) || p.Readers(in[0]) > 1 || n.Activation != Identity {
		return false
	}
	with := c.WithNorm(n.affine())
	if with == nil {
		return false
	}
	p.Replace(v, with, p.Inputs(in[0])...)
	return true
}}}

// BatchNormState is what batch normalization keeps: scale and shift, which
// train by gradient, and the running statistics, which move by Momentum in
// every training step. All are [C].
type BatchNormState struct {
	Weight, Bias            *autograd.Parameter
	RunningMean, RunningVar []float32
	Eps, Momentum           float64 // PyTorch's defaults: 1e-5 and 0.1
	UseRunning              bool    // take the running statistics even in training
	Batches                 int64   // how many batches have moved the running statistics
}

// normForward normalizes x [..., C] per channel over all other dimensions, with
// batch statistics in training and the running ones otherwise (torch's
// BatchNorm1d/2d), adds residual when it is not nil (x's shape) and applies
// ReLU when relu is set: y = relu(bn(x) + residual) in one pass over memory.
// It panics when a training batch gives a channel a single value, as torch
// refuses it: the variance is then undefined.
func normForward(tp *autograd.Tape, x *autograd.Variable, s *BatchNormState, residual *autograd.Variable, relu bool) *autograd.Variable {
	c := x.Value.Dim(-1)
	rows := x.Value.Len() / c
	batch := tp.Training && !s.UseRunning
	s.check(x, batch)
	y := tp.New(x.Value.Shape...)
	stat := tp.New(4, c)
	_, _, scale, shift := s.parts(stat)
	needs := x.NeedsGrad() || s.Weight.RequiresGrad || s.Bias.RequiresGrad || (residual != nil && residual.NeedsGrad())
	if needs {
		from := append(make([]*autograd.Variable, 0, 3), x, stat)
		if residual != nil {
			from = append(from, residual)
		}
		autograd.Recompute(tp, y, from, normValue{x, stat, residual, relu}, recomputeNorm)
	}
	// Where the ReLU passed follows from x when there is no residual; otherwise a
	// bit for each value is kept. Neither way y is read in the backward pass.
	n := normSaved{x: x, stat: stat, residual: residual, s: s, batch: batch, relu: relu}
	n.fromX = relu && residual == nil && batch
	reads := append(make([]*autograd.Variable, 0, autograd.MaxSaved), x, stat)
	if relu && !n.fromX && needs && tp.Record {
		held := tp.New((norm.MaskWords(rows, c) + 1) / 2) // words in a float buffer
		n.mask = autograd.Uint16s(held.Value.Data)[:norm.MaskWords(rows, c)]
		reads = append(reads, held)
	}
	tp.Timed("batch norm", func() {
		s.coefficients(x, batch, stat)
		var r []float32
		if residual != nil {
			r = residual.Value.Data
		}
		ss := norm.ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}
		ss.Apply(x.Value.Data, y.Value.Data, elementwise.Epilogue{Residual: r, Activation: reluOr(relu), Mask: n.mask})
	})
	autograd.Record(tp, "batch norm", y, needs, reads, n, normBackward)
	tp.Free(stat)
	return y
}

// check panics when a training batch gives a channel a single value: its variance
// is undefined, and torch refuses it too. What builds batches checks their size.
func (s *BatchNormState) check(x *autograd.Variable, batch bool) {
	if batch && x.Rows() < 2 {
		panic(fmt.Sprintf("op: batch norm needs more than one value per channel to train, input %v", x.Shape()))
	}
}

// normValue is what the value of a norm is recomputed from.
type normValue struct {
	x, stat, residual *autograd.Variable
	relu              bool
}

func recomputeNorm(tp *autograd.Tape, dst []float32, v *normValue) {
	stat, c := tp.Saved(v.stat), v.stat.Shape()[1]
	var r []float32
	if v.residual != nil {
		r = tp.Saved(v.residual)
	}
	ss := norm.ScaleShift{Rows: v.x.Rows(), C: c, Scale: stat[2*c : 3*c], Shift: stat[3*c:]}
	ss.Apply(tp.Saved(v.x), dst, elementwise.Epilogue{Residual: r, Activation: reluOr(v.relu)})
}

// normSaved is what the backward pass of a Norm needs.
type normSaved struct {
	x, stat, residual  *autograd.Variable
	s                  *BatchNormState
	mask               []uint16
	batch, relu, fromX bool
}

func normBackward(tp *autograd.Tape, y *autograd.Variable, n *normSaved) {
	x, s, residual := n.x, n.s, n.residual
	rows, c := x.Rows(), n.stat.Shape()[1]
	dy, xs := y.Grad.Data, tp.Saved(x)
	mean, inv, scale, shift := s.parts(n.stat)
	sums := tp.New(2, c)
	dgamma, dbeta := sums.Value.Data[:c], sums.Value.Data[c:]
	b := norm.BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: inv, Gamma: s.Weight.Value.Data, DGamma: dgamma, DBeta: dbeta, Running: !n.batch}
	if n.fromX {
		b.Passed = norm.Mask{Scale: scale, Shift: shift}
	} else {
		b.Passed = norm.Mask{Words: n.mask}
	}
	b.Reduce(dy, xs)
	if s.Weight.RequiresGrad {
		s.Weight.AddGrad(tp, func(d []float32) { copy(d, dgamma) })
	}
	if s.Bias.RequiresGrad {
		s.Bias.AddGrad(tp, func(d []float32) { copy(d, dbeta) })
	}
	toRes := residual != nil && residual.NeedsGrad()
	switch {
	case x.NeedsGrad() && toRes:
		// dy, masked in place, becomes the residual's gradient.
		tp.AddGrad(x, func(dx []float32) { b.Grad(dy, xs, dx, dy) })
		tp.GiveGrad(residual, y)
	case x.NeedsGrad():
		b.Grad(dy, xs, dy, nil)
		tp.GiveGrad(x, y)
	case toRes:
		if n.relu {
			norm.MaskBackward(dy, n.mask, rows, c, dy)
		}
		tp.GiveGrad(residual, y)
	}
	tp.Release(sums)
}

// parts are what stat [4, C] holds of a step for the backward pass: the mean and
// 1/standard deviation that it normalized with, and the scale and shift that
// these, Weight and Bias come to.
func (s *BatchNormState) parts(stat *autograd.Variable) (mean, inv, scale, shift []float32) {
	d, c := stat.Value.Data, stat.Value.Dim(-1)
	return d[:c], d[c : 2*c], d[2*c : 3*c], d[3*c:]
}

// coefficients fills stat from x's own statistics, which the running ones then
// move towards, or from the running ones.
func (s *BatchNormState) coefficients(x *autograd.Variable, batch bool, stat *autograd.Variable) {
	mean, inv, scale, shift := s.parts(stat)
	if batch {
		c := len(mean)
		rows := x.Value.Len() / c
		norm.ChannelStats(x.Value.Data, rows, c, mean, inv)
		s.observe(mean, inv, rows)
	} else {
		copy(mean, s.RunningMean)
		copy(inv, s.RunningVar)
	}
	gamma, beta := s.Weight.Value.Data, s.Bias.Value.Data
	for i, v := range inv {
		inv[i] = float32(1 / math.Sqrt(float64(v)+s.Eps))
		scale[i] = gamma[i] * inv[i]
		shift[i] = beta[i] - float32(mean[i]*scale[i])
	}
}

// observe moves the running statistics towards a batch's: mean, and variance
// made unbiased by rows/(rows-1), as PyTorch does.
func (s *BatchNormState) observe(mean, variance []float32, rows int) {
	s.Batches++
	m := s.Momentum
	unbias := float64(rows) / float64(rows-1)
	for i := range mean {
		s.RunningMean[i] = float32(float64((1-m)*float64(s.RunningMean[i])) + float64(m*float64(mean[i])))
		s.RunningVar[i] = float32(float64((1-m)*float64(s.RunningVar[i])) + float64(m*unbias*float64(variance[i])))
	}
}
