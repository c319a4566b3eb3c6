package parallel

import "testing"

// TestOffer holds that a worker that has not looked yet can be called from a loop that has ended to the next, and
// from one that runs to none.
func TestOffer(t *testing.T) {
	w := &worker{wake: make(chan struct{}, 1)}
	ended, next, other := new(job), new(job), new(job)
	for _, j := range []*job{ended, next, other} {
		j.refs.Store(2)
		j.left.Store(3)
	}
	if !w.offer(ended) {
		t.Fatal("a worker without an offer declined one")
	}
	ended.left.Store(0)
	if !w.offer(next) || w.offered.Load() != next {
		t.Error("the offer of a loop that has ended kept the worker from the next loop")
	}
	if n := ended.refs.Load(); n != 1 {
		t.Errorf("the loop that has ended has %d references, want its caller's alone", n)
	}
	if w.offer(other) || w.offered.Load() != next {
		t.Error("the offer of a running loop was replaced")
	}
	if next.refs.Load() != 2 || other.refs.Load() != 2 {
		t.Errorf("references of loops that were not replaced: %d and %d, want 2", next.refs.Load(), other.refs.Load())
	}
}
