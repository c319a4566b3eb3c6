package autograd

import "github.com/whippet-ml/whippet/tensor"

// This file decides how long the values of variables stay in memory.
//
// The backward pass reads some of them: a convolution its input, for the gradient
// of its weights; a batch norm its input; and so on. These are saved tensors. Each
// such reader is counted, and when the last has run the buffer is free. In between
// a value need not be there: what is cheap to compute from values that are there
// anyway is dropped when the forward pass is done with it, and recomputed for its
// first reader (rematerialization, also called gradient checkpointing). So a
// training step of a ResNet keeps the results of its convolutions, and of its
// batch norms' next to none.

// recompute says how to compute a value again, with the same bits.
type recompute struct {
	from  []*Variable // whose values it takes
	run   recomputation
	chain int // how many values are computed one after the other, at most

	sources [maxSources]*Variable // what from points to
}

// maxSources is from how many values one may be recomputed.
const maxSources = 3

// maxChain bounds recompute.chain. In a long run of residual blocks each output
// is made from the one before, so that going back through the last brings all
// of them into memory at once: every so often one is therefore kept.
const maxChain = 4

// setRecompute makes v a value that can be recomputed; see Recompute.
func (v *Variable) setRecompute(from []*Variable, run recomputation, chain int) {
	r := &v.ownRecompute
	r.from = r.sources[:copy(r.sources[:], from)]
	r.run, r.chain = run, chain
	v.recompute = r
}

// keepValue makes v one that cannot be recomputed, so that its value is kept.
func (v *Variable) keepValue() {
	if v.recompute != nil {
		v.recompute.run.forget()
		v.recompute, v.ownRecompute = nil, recompute{}
	}
}

// available reports whether v's value is there or can be recomputed.
func (v *Variable) available() bool {
	if v.Value != nil {
		return true
	}
	if v.recompute == nil {
		return false
	}
	for _, s := range v.recompute.from {
		if !s.available() {
			return false
		}
	}
	return true
}

// save counts one more backward pass that reads v. Until the last of them has run,
// v is there, or else everything that it is recomputed from.
func (v *Variable) save() {
	v.readers++
	if v.readers > 1 || v.recompute == nil {
		return
	}
	for _, s := range v.recompute.from {
		if !s.available() {
			v.keepValue() // too late: v itself has to stay
			return
		}
	}
	for _, s := range v.recompute.from {
		s.save()
	}
}

// unsave ends what save began.
func (tp *Tape) unsave(v *Variable) {
	v.readers--
	if v.readers > 0 {
		return
	}
	if !v.Keep {
		tp.take(v)
	}
	tp.unsaveSources(v)
}

// unsaveSources lets go of what v is recomputed from.
func (tp *Tape) unsaveSources(v *Variable) {
	r := v.recompute
	if r == nil {
		return
	}
	from := r.sources
	v.keepValue()
	for _, s := range from {
		if s != nil {
			tp.unsave(s)
		}
	}
}

// Saved returns the value of a variable that a recorded operation saved for its
// backward pass, recomputed when it had been dropped.
func (tp *Tape) Saved(v *Variable) []float32 {
	if v.Value == nil {
		if v.recompute == nil {
			panic("autograd: a variable was freed before an operation that reads it was recorded")
		}
		start := tp.Profile.mark()
		tp.give(v)
		v.recompute.run.run(tp, v.Value.Data)
		tp.unsaveSources(v)
		tp.Profile.add("recompute", "", start)
	}
	return v.Value.Data
}

// Free says that the forward pass will not read v again. Its buffer is given
// back unless the backward pass needs it or Keep is set.
func (tp *Tape) Free(v *Variable) {
	if !v.Keep && (v.readers == 0 || v.recompute != nil) {
		tp.take(v)
	}
}

// give gives v an uninitialized buffer of the arena, take takes it back.
func (tp *Tape) give(v *Variable) {
	v.value = tensor.Tensor{Shape: v.shape, Data: tp.arena.Get(tensor.Size(v.shape...))}
	v.Value, v.owned = &v.value, true
}

func (tp *Tape) take(v *Variable) {
	if v.owned {
		tp.arena.Put(v.Value.Data)
		v.Value = nil
		v.owned = false
	}
}
