package train

import "github.com/whippet-ml/whippet/autograd"

// This file tells, during a backward pass, which buckets of an accumulator are complete, so
// that their sums over the ranks begin while the pass goes on.
//
// In what order that is, and how many parts a gradient has, follows from the network's
// graph and is the same in every pass of one layout. The first pass counts the parts, and from
// then on the last one is known when it comes.

// hook returns what the tape is to call for the parts of gradients in the next backward
// pass. If that is watched, and it is known how many there are, complete buckets are told
// to ready.
func (a *accumulator) hook(watched bool) func(*autograd.Parameter) {
	switch {
	case !a.known:
		clear(a.parts)
		return a.count
	case watched:
		a.expect()
		return a.watch
	}
	return nil
}

// countPart counts a part of p's gradient.
func (a *accumulator) countPart(p *autograd.Parameter) {
	if i, ok := a.number[p]; ok {
		a.parts[i]++
	}
}

// expect begins a pass whose parts are watched. Parameters that get none have a gradient
// of zeros.
func (a *accumulator) expect() {
	copy(a.left, a.parts)
	clear(a.open)
	for i, n := range a.left {
		if n > 0 {
			a.open[a.in[i]]++
		} else {
			clear(a.params[i].Param.Grad.Data)
		}
	}
}

// watchPart tells of the bucket that a part of p's gradient completes.
func (a *accumulator) watchPart(p *autograd.Parameter) {
	i, ok := a.number[p]
	if !ok {
		return
	}
	switch a.left[i]--; {
	case a.left[i] < 0:
		a.late = a.params[i].Name
	case a.left[i] == 0:
		if b := a.in[i]; a.open[b] == 1 {
			a.tell(b)
		} else {
			a.open[b]--
		}
	}
}

// tell tells that a bucket is complete, once in a step.
func (a *accumulator) tell(b int) {
	if !a.told[b] {
		a.told[b] = true
		a.ready <- b // has room for all
	}
}

// tellRest tells of all buckets that were not told of.
func (a *accumulator) tellRest() {
	for b := range a.buckets {
		a.tell(b)
	}
}
