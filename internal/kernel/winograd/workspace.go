package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// workspace is memory for the pieces of a loop, a part for each thread that may take some: what one processor has
// written, another would have to fetch from its caches, line by line.
type workspace struct {
	v, u, m, tile int // floats of a thread's parts, in whole lines of the cache
	threads       int
	all           []float32
}

// newWorkspace returns parts of undefined content that have as many floats at least.
func newWorkspace(v, u, m, tile int) workspace {
	up := func(n int) int { return ground.RoundUp(n, winoLanes) }
	w := workspace{v: up(v), u: up(u), m: up(m), tile: up(tile), threads: parallel.Threads()}
	w.all = ground.GetScratch(w.threads * w.each())
	return w
}

func (w *workspace) free() { ground.PutScratch(w.all) }

// each is the floats of a thread.
func (w *workspace) each() int { return w.v + w.u + w.m + w.tile }

// of returns the parts of a thread.
func (w *workspace) of(thread int) (v, u, m, tile []float32) {
	own := w.all[thread*w.each():][:w.each()]
	take := func(n int) []float32 {
		part := own[:n:n]
		own = own[n:]
		return part
	}
	return take(w.v), take(w.u), take(w.m), take(w.tile)
}
