package autograd

import (
	"fmt"
)

// This file is what the author of an operation in another package needs. The
// forward pass takes a buffer for its result (Tape.New), fills it (Tape.Timed
// books the time) and says how to come back (Record). The backward pass reads y.Grad, the
// gradient of its result, and values that it asked to be kept (Tape.Saved), and
// adds gradients to its inputs (Tape.AddGrad) and parameters
// (Parameter.AddGrad). Scale in author_test.go is such an operation.

// New returns a variable of the given shape with a buffer of undefined content,
// for a result or for values that an operation needs on the way back; for these,
// the operation calls Free when the forward pass is done with them.
func (tp *Tape) New(shape ...int) *Variable { return tp.newVar(shape...) }

// Timed runs f, an operation's forward pass, and books its time under kind when
// the tape has a profile.
func (tp *Tape) Timed(kind string, f func()) { tp.timed(kind, f) }

// Shape returns the shape of v's value, whether that is in memory or not. It must
// not be changed.
func (v *Variable) Shape() []int { return v.shape }

// Record notes how to come back through the operation of the given kind that made
// y: by back, with args, once a gradient has come to y.Grad. needs tells whether
// an input of the operation NeedsGrad or a parameter RequiresGrad; nothing is
// recorded when none does, or when the tape does not record.
//
// back must capture nothing: what it needs is in args, of which the tape keeps a
// copy that leaves no garbage from step to step. reads are the variables, at most
// 5, whose values back asks for with Saved; only these, and none for nothing,
// since they stay in memory until then. y may be one of them.
func Record[A any](tp *Tape, kind string, y *Variable, needs bool, reads []*Variable, args A, back func(tp *Tape, y *Variable, args *A)) {
	record(tp, kind, y, needs, reads, args, back)
}

// Recompute says that v's value follows from those of from, two or three
// variables whose values stay longer or can be recomputed themselves, by f: it
// then need not stay in memory for the way back, but is made again for its first
// reader. f must capture nothing and overwrite dst with the very bits of the
// forward pass; it reads from with Saved. Worth it for what is cheap to compute.
func Recompute[A any](tp *Tape, v *Variable, from []*Variable, args A, f func(tp *Tape, dst []float32, args *A)) {
	if n := len(v.ownRecipe.inputs); len(from) > n {
		panic(fmt.Sprintf("autograd: Recompute from %d variables; at most %d are possible", len(from), n))
	}
	remember(tp, v, from, args, f)
}

// Saved returns the values of v on the way back, where v is among what the
// operation reads (see Record) or recomputes from. They must not be changed.
func (tp *Tape) Saved(v *Variable) []float32 { return tp.value(v) }

// AddGrad lets f write a gradient of v, of v's shape and overwriting all of dst,
// whose content is undefined, and adds it to what other readers of v have
// contributed. It does nothing when no gradient flows to v.
func (tp *Tape) AddGrad(v *Variable, f func(dst []float32)) {
	if v.needs {
		tp.gradInto(v, f)
	}
}

// GiveGrad is AddGrad of the gradient that is in y.Grad, whose buffer v takes: for
// an operation that has changed it in place to that of its input v, of the same
// number of values. y.Grad is nil afterwards.
func (tp *Tape) GiveGrad(v, y *Variable) {
	if v.needs {
		tp.giveGrad(v, y)
	}
}

// AddGrad lets f write a gradient of p, overwriting all of dst, whose content is
// undefined, and adds it to what is already there. It does nothing for a frozen
// parameter.
func (p *Parameter) AddGrad(tp *Tape, f func(dst []float32)) {
	if p.RequiresGrad {
		p.grad(tp, f)
	}
}
