package serve

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// errFull says that a gate let nobody in within the time that was left for it.
var errFull = errors.New("no room")

// gate lets a bounded weight of work in at a time. What comes beyond it waits in
// the order of arrival: clients that try again at once then cost no more than
// those that wait, and none overtakes another.
type gate struct {
	size int        // weight that fits
	line int        // how many may wait
	most func() int // weight that should be inside now, when it is less than size; nil: size

	mu    sync.Mutex
	taken int
	queue list.List // of *visitor
}

// visitor is somebody waiting at a gate.
type visitor struct {
	weight int
	in     chan struct{} // closed when let in
}

func newGate(size, line int) *gate { return &gate{size: size, line: line} }

// enter takes weight n, waiting for it up to wait. The error is errFull, or
// the context's cause. Whoever is let in calls leave(n).
func (g *gate) enter(ctx context.Context, n int, wait time.Duration) error {
	g.mu.Lock()
	if g.queue.Len() == 0 && g.fits(n) {
		g.taken += n
		g.mu.Unlock()
		return nil
	}
	if wait <= 0 || n > g.size || g.queue.Len() >= g.line {
		g.mu.Unlock()
		return errFull
	}
	v := &visitor{n, make(chan struct{})}
	place := g.queue.PushBack(v)
	g.mu.Unlock()

	timer := time.NewTimer(wait)
	defer timer.Stop()
	var err error
	select {
	case <-v.in:
		return nil
	case <-timer.C:
		err = errFull
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-v.in: // let in at the same moment
		if errors.Is(err, errFull) {
			return nil
		}
		g.taken -= n
	default:
		g.queue.Remove(place)
	}
	g.admit() // those behind may be lighter
	return err
}

// leave gives weight n back and lets those in for whom there is room now.
func (g *gate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken -= n
	g.admit()
}

// fits reports whether there is room for weight n. An empty gate has room for
// all that fits at all.
func (g *gate) fits(n int) bool {
	if g.most != nil && g.taken > 0 && g.taken+n > g.most() {
		return false
	}
	return g.taken+n <= g.size
}

func (g *gate) admit() {
	for e := g.queue.Front(); e != nil; e = g.queue.Front() {
		v, ok := e.Value.(*visitor)
		if !ok || !g.fits(v.weight) {
			return
		}
		g.queue.Remove(e)
		g.taken += v.weight
		close(v.in)
	}
}

// inside is the weight that was let in.
func (g *gate) inside() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taken
}

// waiting is how many wait.
func (g *gate) waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.Len()
}

// patience is how long a request may still wait for its turn, at all gates
// together.
type patience struct{ left time.Duration }

// enter is g.enter for as long as there is patience left.
func (p *patience) enter(ctx context.Context, g *gate, n int) error {
	began := time.Now()
	err := g.enter(ctx, n, p.left)
	p.left -= time.Since(began)
	return err
}

// patienceKey is the context key of a request's *patience.
type patienceKey struct{}

func patienceOf(ctx context.Context) *patience {
	p, ok := ctx.Value(patienceKey{}).(*patience)
	if !ok {
		return &patience{} // it waits for nothing
	}
	return p
}
