package autograd

import "github.com/whippet-ml/whippet/internal/mem"

// This file keeps what an operation needs to know later, on the backward pass or to
// make its value again. A function literal that captured it would live on the
// heap anew in every step, hundreds of them; so the literals capture nothing,
// and what they need is a struct, copied to a place that serves step after step.

// op is a recorded operation.
type op struct {
	kind  string
	out   *Variable
	reads [maxReads]*Variable // whose values back reads, as far as not nil
	back  back
}

// maxReads is how many variables an operation reads at most.
const maxReads = 5

// back is the backward pass of an operation whose result is y.
type back interface {
	run(tp *Tape, y *Variable)
	forget() // must be called once, and nothing after it
}

// keptBack is a back with its arguments.
type keptBack[A any] struct {
	args A
	f    func(tp *Tape, y *Variable, a *A)
}

func (k *keptBack[A]) run(tp *Tape, y *Variable) { k.f(tp, y, &k.args) }

func (k *keptBack[A]) forget() {
	*k = keptBack[A]{}
	mem.Put(k)
}

// record notes how to go back through the operation that made out: by f, which
// captures nothing, with args. The values of reads, and no others, are there
// until then, or made again by Tape.value. Nothing is recorded when nothing
// below needs a gradient.
func record[A any](tp *Tape, kind string, out *Variable, needs bool, reads []*Variable, args A, f func(tp *Tape, y *Variable, a *A)) {
	if !tp.Record || !needs {
		return
	}
	out.needs = true
	k := mem.Get[keptBack[A]]()
	k.args, k.f = args, f
	o := op{kind: kind, out: out, back: k}
	if copy(o.reads[:], reads) < len(reads) {
		panic("autograd: an operation reads more values than maxReads")
	}
	for _, v := range reads {
		v.read()
	}
	tp.ops = append(tp.ops, o)
}

// maker makes a value again.
type maker interface {
	run(tp *Tape, dst []float32)
	forget() // must be called once, and nothing after it
}

// keptMaker is a maker with its arguments.
type keptMaker[A any] struct {
	args A
	f    func(tp *Tape, dst []float32, a *A)
}

func (k *keptMaker[A]) run(tp *Tape, dst []float32) { k.f(tp, dst, &k.args) }

func (k *keptMaker[A]) forget() {
	*k = keptMaker[A]{}
	mem.Put(k)
}

// remember gives v a recipe: its value follows from those of from, two or three,
// by f, which captures nothing and overwrites dst. It is ignored where the chain
// would be too long.
func remember[A any](tp *Tape, v *Variable, from []*Variable, args A, f func(tp *Tape, dst []float32, a *A)) {
	chain := 1
	for _, s := range from {
		if s.recipe != nil {
			chain = max(chain, s.recipe.chain+1)
		}
	}
	if chain > maxChain || tp.keepAll {
		return
	}
	k := mem.Get[keptMaker[A]]()
	k.args, k.f = args, f
	v.setRecipe(from, k, chain)
}
