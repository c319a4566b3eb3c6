package autograd

import "github.com/whippet-ml/whippet/tensor"

// This file decides how long the values of variables stay in memory.
//
// The backward pass reads some of them: a convolution its input, for the gradient of
// its weights; a batch norm its input; and so on. Each such reader is counted,
// and when the last has run the buffer is free. In between a value need not be
// there: what is cheap to compute from values that are there anyway has a
// recipe, is dropped when the forward pass is done with it, and made again for
// its first reader. So a training step of a ResNet keeps the results of its
// convolutions, and of its batch norms' next to none.

// recipe says how to make a value again, with the same bits.
type recipe struct {
	from  []*Variable // whose values it takes
	maker maker
	chain int // how many values are made one after the other, at most

	inputs [3]*Variable // what from points to
}

// maxChain bounds recipe.chain. In a long run of residual blocks each output
// is made from the one before, so that going back through the last brings all
// of them into memory at once: every so often one is therefore kept.
const maxChain = 4

// setRecipe gives v its recipe; see remember.
func (v *Variable) setRecipe(from []*Variable, m maker, chain int) {
	r := &v.ownRecipe
	r.from = r.inputs[:copy(r.inputs[:], from)]
	r.maker, r.chain = m, chain
	v.recipe = r
}

// dropRecipe makes v one without a recipe.
func (v *Variable) dropRecipe() {
	if v.recipe != nil {
		v.recipe.maker.forget()
		v.recipe, v.ownRecipe = nil, recipe{}
	}
}

// available reports whether v's value is there or can be made.
func (v *Variable) available() bool {
	if v.Value != nil {
		return true
	}
	if v.recipe == nil {
		return false
	}
	for _, s := range v.recipe.from {
		if !s.available() {
			return false
		}
	}
	return true
}

// read counts one more reader of v on the backward pass. Until the last of them has
// run, v is there, or else everything that its recipe takes.
func (v *Variable) read() {
	v.readers++
	if v.readers > 1 || v.recipe == nil {
		return
	}
	for _, s := range v.recipe.from {
		if !s.available() {
			v.dropRecipe() // too late: v itself has to stay
			return
		}
	}
	for _, s := range v.recipe.from {
		s.read()
	}
}

// unread ends what read began.
func (tp *Tape) unread(v *Variable) {
	v.readers--
	if v.readers > 0 {
		return
	}
	if !v.Keep {
		tp.take(v)
	}
	tp.forget(v)
}

// forget lets go of what v's recipe takes.
func (tp *Tape) forget(v *Variable) {
	r := v.recipe
	if r == nil {
		return
	}
	from := r.inputs
	v.dropRecipe()
	for _, s := range from {
		if s != nil {
			tp.unread(s)
		}
	}
}

// value returns the value of a variable that a recorded operation reads, made
// again when it had been dropped.
func (tp *Tape) value(v *Variable) []float32 {
	if v.Value == nil {
		if v.recipe == nil {
			panic("autograd: a variable was freed before an operation that reads it was recorded")
		}
		start := tp.Profile.mark()
		tp.give(v)
		v.recipe.maker.run(tp, v.Value.Data)
		tp.forget(v)
		tp.Profile.add("recompute", "", start)
	}
	return v.Value.Data
}

// Free says that the forward pass will not read v again. Its buffer is given
// back unless the backward pass needs it or Keep is set.
func (tp *Tape) Free(v *Variable) {
	if !v.Keep && (v.readers == 0 || v.recipe != nil) {
		tp.take(v)
	}
}

// give gives v an uninitialised buffer of the arena, take takes it back.
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
