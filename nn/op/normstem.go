package op

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
)

// NormMaxPool is MaxPool(ReLU(Norm(x))), the stem of a ResNet, as one operation
// of the tape: the normalized map is neither written nor kept, and nor is its
// gradient.
type NormMaxPool struct {
	Norm *Norm // with ReLU
	Pool MaxPool
}

// Name is "batch norm".
func (o *NormMaxPool) Name() string { return "batch norm" }

// Shape is that of the pooled map.
func (o *NormMaxPool) Shape(dst []int, in [][]int) ([]int, error) {
	s, err := o.Norm.Shape(dst, in)
	if err != nil {
		return nil, err
	}
	return o.Pool.Shape(dst, [][]int{s[len(dst):]}) // which is written over s
}

// Trains reports whether scale or shift trains.
func (o *NormMaxPool) Trains() bool { return o.Norm.Trains() }

// Switches are those of the norm.
func (o *NormMaxPool) Switches() []*bool { return o.Norm.Switches() }

// Forward runs the three: as one, unless a gradient must pass through running
// statistics.
func (o *NormMaxPool) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x, s, m := in[0], o.Norm.State, o.Pool
	if !o.fits(tp.Record, tp.Training) {
		h := o.Norm.Forward(tp, in)
		y := m.Forward(tp, []*autograd.Variable{h})
		tp.Free(h)
		return y
	}
	p := pool.NormMax{Max: m.geometry(x.Shape())}
	batch := tp.Training && !s.UseRunning
	s.check(x, batch)
	oh, ow := p.Out()
	y, top := tp.New(p.N, oh, ow, p.C), tp.New(p.N, oh, ow, p.C)
	held := tp.New((y.Value.Len() + 3) / 4) // a byte each, in a float buffer
	argmax := autograd.Bytes(held.Value.Data)[:y.Value.Len()]
	stat := tp.New(4, p.C)
	_, _, scale, shift := s.parts(stat)
	tp.Timed("batch norm", func() {
		s.coefficients(x, batch, stat)
		p.Forward(x.Value.Data, scale, shift, y.Value.Data, top.Value.Data, argmax)
	})
	autograd.Record(tp, "batch norm", y, x.NeedsGrad() || o.Trains(), []*autograd.Variable{x, y, top, held, stat}, normStemSaved{p, x, top, stat, argmax, s}, normStemBackward)
	for _, v := range [3]*autograd.Variable{top, held, stat} {
		tp.Free(v)
	}
	return y
}

// fits reports whether the three can be done as one.
func (o *NormMaxPool) fits(record, training bool) bool {
	batch := training && !o.Norm.State.UseRunning
	return (!record || batch) && o.Pool.Kernel <= maxStemKernel
}

// Compile prepares both, one after the other.
func (o *NormMaxPool) Compile(c *graph.Compiler) graph.Kernel {
	return newChain(c, o.Norm.Compile(c), o.Norm.Shape, o.Pool.Compile(c))
}

// ONNX is BatchNormalization, Relu and MaxPool.
func (o *NormMaxPool) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	y, err := o.Norm.ONNX(e, name+"_relu", in)
	if err != nil {
		return "", err
	}
	return o.Pool.ONNX(e, name, []onnx.Value{y})
}

// MACs is 0.
func (o *NormMaxPool) MACs([][]int) float64 { return 0 }

// fuseNormStem makes a NormMaxPool, unless a gradient must pass through running
// statistics or the window is too large.
func fuseNormStem(p *graph.Plan, v graph.Value) bool {
	m, in := p.Op(v).(MaxPool), p.Inputs(v)[0]
	n, ok := p.Op(in).(*Norm)
	if !ok || n.Activation != ReLU || len(p.Inputs(in)) > 1 || p.Readers(in) > 1 || len(p.Shape(in)) != 4 {
		return false
	}
	o := &NormMaxPool{n, m}
	if !o.fits(p.Mode.Record, p.Mode.Training) {
		return false
	}
	p.Replace(v, o, p.Inputs(in)...)
	return true
}

// chain runs two kernels, the second on the result of the first.
type chain struct {
	c             *graph.Compiler
	first, second graph.Kernel
	shape         func(dst []int, in [][]int) ([]int, error) // of the first
}

func newChain(c *graph.Compiler, first graph.Kernel, shape func(dst []int, in [][]int) ([]int, error), second graph.Kernel) *chain {
	return &chain{c, first, second, shape}
}

// between is what a run of a chain has between the kernels. It is kept from one
// run to the next.
type between struct {
	result tensor.Tensor
	shape  []int
	in     [1]*tensor.Tensor
	shapes [1][]int
}

func (k *chain) Run(in []*tensor.Tensor, out *tensor.Tensor) {
	b := mem.Get[between]()
	b.shapes[0] = in[0].Shape
	shape, err := k.shape(b.shape[:0], b.shapes[:])
	if err != nil {
		panic(err) // the shape has been accepted
	}
	k.c.Scratch(tensor.Size(shape...), func(s []float32) {
		b.result = tensor.Tensor{Shape: shape, Data: s}
		k.first.Run(in, &b.result)
		b.in[0] = &b.result
		k.second.Run(b.in[:], out)
	})
	*b = between{shape: shape}
	mem.Put(b)
}

// normStemSaved is what the backward pass of a BatchNormReLUMaxPool needs.
type normStemSaved struct {
	p            pool.NormMax
	x, top, stat *autograd.Variable
	argmax       []uint8
	s            *BatchNormState
}

func normStemBackward(tp *autograd.Tape, y *autograd.Variable, n *normStemSaved) {
	p, x, s, dy := n.p, n.x, n.s, y.Grad.Data
	mean, inv, _, _ := s.parts(n.stat)
	sums := tp.New(2, p.C)
	dgamma, dbeta := sums.Value.Data[:p.C], sums.Value.Data[p.C:]
	b := norm.BatchNorm{Mean: mean, InvStd: inv, Gamma: s.Weight.Value.Data, DGamma: dgamma, DBeta: dbeta}
	p.Reduce(dy, tp.Saved(y), n.top.Value.Data, b)
	if s.Weight.RequiresGrad {
		s.Weight.AddGrad(tp, func(d []float32) { copy(d, dgamma) })
	}
	if s.Bias.RequiresGrad {
		s.Bias.AddGrad(tp, func(d []float32) { copy(d, dbeta) })
	}
	if x.NeedsGrad() {
		tp.AddGrad(x, func(dx []float32) { p.Grad(dy, n.argmax, tp.Saved(x), dx, b) })
	}
	tp.Release(sums)
}
