// Package autograd records operations on tensors as they run and plays them
// backwards to get gradients.
//
// It has no operation of its own: those are in package nn/op, and in programs
// that add some. An operation takes a buffer for its result (Tape.New), computes
// it, and records its backward pass (Record) with the values that this reads; the
// backward pass gets saved values (Tape.Saved) and hands gradients on
// (Tape.AddGrad, Tape.GiveGrad, Parameter.AddGrad). An operation knows which of
// its inputs need gradients, so a frozen weight costs no weight gradient, and
// nothing below the lowest trainable parameter costs anything in the backward
// pass.
//
// Activations live in buffers that a Tape takes from an Arena and gives back as
// the backward pass moves past them; a steady training step allocates next to
// nothing.
package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// Parameter is a trainable leaf: a value, and the gradient that the last
// backward pass left. Convolution weights are [KH, KW, C, K], linear weights
// [out, in], everything else a vector.
type Parameter struct {
	Value *tensor.Tensor
	Grad  *tensor.Tensor // nil until the first gradient; valid when HasGrad

	// RequiresGrad is false for a frozen parameter: no gradient is computed.
	RequiresGrad bool

	// HasGrad reports whether Grad holds a gradient. While it does, a further
	// backward pass adds to Grad (as PyTorch does); ZeroGrad starts afresh.
	HasGrad bool
}

// NewParameter returns a trainable parameter with the given value.
func NewParameter(v *tensor.Tensor) *Parameter {
	return &Parameter{Value: v, RequiresGrad: true}
}

// ZeroGrad forgets the gradient; the storage is kept for the next one.
func (p *Parameter) ZeroGrad() { p.HasGrad = false }

// Data returns the parameter's values, nil for a nil parameter.
func (p *Parameter) Data() []float32 {
	if p == nil {
		return nil
	}
	return p.Value.Data
}

// AddGrad lets f write a gradient of p, overwriting all of dst, whose content is
// undefined, and adds it to what is already there. It does nothing for a frozen
// parameter.
func (p *Parameter) AddGrad(tp *Tape, f func(dst []float32)) {
	if !p.RequiresGrad {
		return
	}
	dst := p.BeginGrad(tp)
	f(dst)
	p.EndGrad(tp, dst)
}

// BeginGrad returns where a gradient of p is to be written, overwriting what is
// there, and EndGrad takes it from there: AddGrad in two parts, for kernels that
// write several gradients at once.
func (p *Parameter) BeginGrad(tp *Tape) []float32 {
	if p.Grad == nil {
		p.Grad = tensor.New(p.Value.Shape...)
	}
	if !p.HasGrad {
		return p.Grad.Data
	}
	return tp.arena.Get(len(p.Grad.Data))
}

// EndGrad takes what was written to the buffer of BeginGrad.
func (p *Parameter) EndGrad(tp *Tape, dst []float32) {
	if p.HasGrad {
		addTo(p.Grad.Data, dst)
		tp.arena.Put(dst)
	}
	p.HasGrad = true
	if tp.OnGrad != nil {
		tp.OnGrad(p)
	}
}

// Variable is a tensor on a tape. Its value may be read until it is handed to
// Tape.Free, the backward pass has moved past it, or the tape is reset.
type Variable struct {
	Value *tensor.Tensor // nil when given back
	Grad  *tensor.Tensor // gradient of the loss, during and after Backward

	// Keep leaves Value and Grad in place until the tape is reset, for those
	// who want to look at them after Backward.
	Keep bool

	needs     bool  // some trainable parameter or input lies below
	owned     bool  // Value is an arena buffer that belongs to this variable
	shape     []int // of Value, there or not
	readers   int   // how many backward passes will read Value; see lifetime.go
	recompute *recompute
	relu      *ReLUParts // for the result of a ReLU; see relugrad.go

	// What the pointers above point to, for a variable of the tape's own: all in
	// one place, which is used again in the next step.
	value, grad  tensor.Tensor
	dims         [4]int
	ownRecompute recompute
	ownRelu      ReLUParts
}

// Tape runs operations and, when Grad is set, records them for Backward. The
// zero value is not usable; see NewTape. A Tape is not safe for concurrent use.
type Tape struct {
	// Record tells whether Backward will be called. Without it, results are
	// released as soon as their reader is done.
	Record bool
	// Training selects batch statistics in batch norm and switches dropout on.
	Training bool
	// Rand feeds dropout. It may be nil when Training is false.
	Rand *rng.Stream
	// KeepAll keeps every value that the backward pass reads, instead of recomputing
	// some: the same bits for more memory.
	KeepAll bool
	// Profile, when not nil, collects the time spent by kind of operation.
	Profile *Profile
	// OnGrad, when not nil, is called in the backward pass whenever p.Grad has taken in a
	// gradient: once for each use of p by the network.
	OnGrad func(p *Parameter)

	arena *Arena
	ops   []op
	vars  []*Variable // made so far; those from used on are free
	used  int
	to    ReLUGrad // of the reluGrad under way
}

// NewTape returns a tape whose buffers come from a.
func NewTape(a *Arena) *Tape { return &Tape{arena: a} }

// Input puts a tensor on the tape without copying it. needsGrad asks for its
// gradient, which the variable then keeps.
func (tp *Tape) Input(x *tensor.Tensor, needsGrad bool) *Variable {
	v := tp.variable() // the tape's, for its gradient's buffer
	v.Value, v.shape, v.needs, v.Keep = x, x.Shape, needsGrad && tp.Record, needsGrad
	return v
}

// variable returns a Variable with nothing in it.
func (tp *Tape) variable() *Variable {
	if tp.used == len(tp.vars) {
		tp.vars = append(tp.vars, &Variable{})
	}
	v := tp.vars[tp.used]
	tp.used++
	return v
}

// New returns a variable of the given shape, for the result of an operation or for
// a value that its backward pass reads. Its buffer is the arena's and of undefined
// content.
func (tp *Tape) New(shape ...int) *Variable {
	v := tp.variable()
	v.shape = append(v.dims[:0], shape...)
	tp.give(v)
	return v
}

// Shape returns the shape of v's value, whether that is in memory or not. It must
// not be changed.
func (v *Variable) Shape() []int { return v.shape }

// Rows returns how many rows of channels v has: the product of all dimensions but
// the last.
func (v *Variable) Rows() int { return tensor.Size(v.shape[:len(v.shape)-1]...) }

// NeedsGrad reports whether a gradient will flow to v.
func (v *Variable) NeedsGrad() bool { return v.needs }

// Release gives back the buffers of v, which nothing will read again.
func (tp *Tape) Release(v *Variable) {
	tp.take(v)
	if v.Grad != nil {
		tp.arena.Put(v.Grad.Data)
		v.Grad = nil
	}
	v.relu.release(tp)
}

// Backward runs the recorded operations in reverse, starting from the gradient
// dout of the loss with respect to out (same shape; it is copied). Gradients
// end in the parameters and in inputs that asked for one.
func (tp *Tape) Backward(out *Variable, dout *tensor.Tensor) {
	if !tensor.SameShape(out.shape, dout.Shape) {
		panic(fmt.Sprintf("autograd: gradient of shape %v for a result of shape %v", dout.Shape, out.shape))
	}
	if !out.needs {
		return
	}
	copy(tp.GradBuffer(out).Data, dout.Data)
	for i := len(tp.ops) - 1; i >= 0; i-- {
		o := tp.ops[i]
		tp.ops[i] = op{}
		tp.ops = tp.ops[:i] // Reset finds the rest when a backward pass panics
		if o.out.Grad != nil || o.out.relu.delivered() {
			start := tp.Profile.mark()
			o.back.run(tp, o.out)
			tp.Profile.add(o.kind, " backward", start)
		}
		o.back.forget()
		for _, v := range o.saved {
			if v != nil {
				tp.unsave(v)
			}
		}
		if !o.out.Keep {
			tp.Release(o.out)
		}
	}
}

// Recorded returns how many operations wait for Backward.
func (tp *Tape) Recorded() int { return len(tp.ops) }

// Reset releases everything the tape still holds. Values obtained from it must
// not be used afterwards.
func (tp *Tape) Reset() {
	for i, o := range tp.ops {
		o.back.forget()
		tp.ops[i] = op{}
	}
	tp.ops = tp.ops[:0]
	for _, v := range tp.vars[:tp.used] {
		tp.Release(v)
		v.keepValue()
		*v = Variable{ownRelu: v.ownRelu[:0]}
	}
	tp.used = 0
}

// GradBuffer gives v a gradient buffer of undefined content. v must have none.
func (tp *Tape) GradBuffer(v *Variable) *tensor.Tensor {
	v.setGrad(tp.arena.Get(tensor.Size(v.shape...)))
	return v.Grad
}

func (v *Variable) setGrad(data []float32) {
	v.grad = tensor.Tensor{Shape: v.shape, Data: data}
	v.Grad = &v.grad
}

// AddGrad lets f write a gradient of v, of v's shape and overwriting all of dst,
// whose content is undefined, and adds it to what other readers of v have
// contributed. It does nothing when no gradient flows to v.
func (tp *Tape) AddGrad(v *Variable, f func(dst []float32)) {
	if !v.needs {
		return
	}
	if v.Grad == nil {
		f(tp.GradBuffer(v).Data)
		return
	}
	tmp := tp.arena.Get(len(v.Grad.Data))
	f(tmp)
	addTo(v.Grad.Data, tmp)
	tp.arena.Put(tmp)
}

// GiveGrad is AddGrad of the gradient that is in from.Grad, whose buffer v takes:
// for an operation that has changed it in place to that of its input v, of the
// same number of values. from.Grad is nil afterwards.
func (tp *Tape) GiveGrad(v, from *Variable) {
	if !v.needs {
		return
	}
	g := from.Grad
	from.Grad = nil
	if v.Grad == nil {
		v.setGrad(g.Data)
		return
	}
	addTo(v.Grad.Data, g.Data)
	tp.arena.Put(g.Data)
}

// Timed runs an operation's forward pass and books its time.
func (tp *Tape) Timed(kind string, f func()) {
	start := tp.Profile.mark()
	f()
	tp.Profile.add(kind, " forward", start)
}

// TimedBackward runs a part of an operation's backward pass and books its time
// under a kind of its own.
func (tp *Tape) TimedBackward(kind string, f func()) {
	start := tp.Profile.mark()
	f()
	tp.Profile.add(kind, " backward", start)
}
