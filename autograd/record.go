package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/mem"
)

// This file keeps what an operation needs to know later, in the backward pass or to
// recompute its value. A function literal that captured it would live on the
// heap anew in every step, hundreds of them; so the literals capture nothing,
// and what they need is a struct, copied to a place that serves step after step.

// op is a recorded operation.
type op struct {
	kind  string
	out   *Variable
	saved [MaxSaved]*Variable // what backward reads; unused entries are nil
	back  backward
}

// MaxSaved is how many saved values the backward pass of an operation may read.
const MaxSaved = 5

// backward is the backward pass of an operation whose result is y.
type backward interface {
	run(tp *Tape, y *Variable)
	forget() // must be called once, and nothing after it
}

// keptBackward is a backward pass with its arguments.
type keptBackward[A any] struct {
	args A
	f    func(tp *Tape, y *Variable, a *A)
}

func (k *keptBackward[A]) run(tp *Tape, y *Variable) { k.f(tp, y, &k.args) }

func (k *keptBackward[A]) forget() {
	*k = keptBackward[A]{}
	mem.Put(k)
}

// Record notes the backward pass of the operation that made out: f with args. f
// must capture nothing, so that a step that repeats makes no garbage; it finds
// the gradient in y.Grad. The values of saved, at most MaxSaved of which nil ones
// do not count, and no others, can be read then, by Tape.Saved. Nothing is
// recorded when needs is false: when no input and no parameter needs a gradient.
// kind is the row of profiles that its time is booked under.
func Record[A any](tp *Tape, kind string, out *Variable, needs bool, saved []*Variable, args A, f func(tp *Tape, y *Variable, a *A)) {
	if !tp.Record || !needs {
		return
	}
	out.needs = true
	k := mem.Get[keptBackward[A]]()
	k.args, k.f = args, f
	o := op{kind: kind, out: out, back: k}
	if copy(o.saved[:], saved) < len(saved) {
		panic(fmt.Sprintf("autograd: the backward pass of %s reads %d saved values, MaxSaved is %d", kind, len(saved), MaxSaved))
	}
	for _, v := range saved {
		if v != nil {
			v.save()
		}
	}
	tp.ops = append(tp.ops, o)
}

// recomputation computes a value again.
type recomputation interface {
	run(tp *Tape, dst []float32)
	forget() // must be called once, and nothing after it
}

// keptRecomputation is a recomputation with its arguments.
type keptRecomputation[A any] struct {
	args A
	f    func(tp *Tape, dst []float32, a *A)
}

func (k *keptRecomputation[A]) run(tp *Tape, dst []float32) { k.f(tp, dst, &k.args) }

func (k *keptRecomputation[A]) forget() {
	*k = keptRecomputation[A]{}
	mem.Put(k)
}

// Recompute says that v's value is cheap to compute again from those of from, at
// most three, by f, which captures nothing, overwrites dst and gives the same
// bits. The value is then not kept for the backward pass. It is ignored where too
// many values would follow from one another.
func Recompute[A any](tp *Tape, v *Variable, from []*Variable, args A, f func(tp *Tape, dst []float32, a *A)) {
	if len(from) > maxSources {
		panic(fmt.Sprintf("autograd: Recompute from %d variables; at most %d are possible", len(from), maxSources))
	}
	chain := 1
	for _, s := range from {
		if s.recompute != nil {
			chain = max(chain, s.recompute.chain+1)
		}
	}
	if chain > maxChain || tp.KeepAll {
		return
	}
	k := mem.Get[keptRecomputation[A]]()
	k.args, k.f = args, f
	v.setRecompute(from, k, chain)
}
