package serve

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestGateOrder: those who wait are let in as they came, and a light one does
// not overtake a heavy one.
func TestGateOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(3, 10)
		if err := g.enter(t.Context(), 3, time.Second); err != nil {
			t.Fatal(err)
		}
		order := make(chan int, 3)
		for i, n := range []int{1, 3, 1} {
			go func() {
				if err := g.enter(t.Context(), n, time.Hour); err != nil {
					t.Error(err)
				}
				order <- i
			}()
			synctest.Wait()
		}
		if g.inside() != 3 || g.waiting() != 3 {
			t.Fatalf("%d inside and %d waiting, want 3 and 3", g.inside(), g.waiting())
		}
		g.leave(3)
		synctest.Wait()
		if len(order) != 1 || <-order != 0 || g.inside() != 1 {
			t.Fatalf("%d inside, want the first alone", g.inside())
		}
		g.leave(1)
		if <-order != 1 {
			t.Error("the third overtook the second")
		}
		g.leave(3)
		if <-order != 2 {
			t.Error("the third was not let in")
		}
	})
}

// TestGateGivesUp: a full gate keeps its visitors for as long as they have
// wait, refuses at once when the line is full, and loses no room when a
// visitor goes away.
func TestGateGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, 1)
		if err := g.enter(t.Context(), 2, 0); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := g.enter(t.Context(), 1, time.Second); !errors.Is(err, errFull) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v; want errFull after a second", time.Since(began), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { gone <- g.enter(ctx, 2, time.Hour) }()
		synctest.Wait()
		if err := g.enter(t.Context(), 1, time.Hour); !errors.Is(err, errFull) {
			t.Errorf("with a full line: %v, want errFull", err)
		}
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("a visitor who left: %v", err)
		}
		g.leave(2)
		if g.inside() != 0 || g.waiting() != 0 {
			t.Errorf("%d inside, %d waiting; want none", g.inside(), g.waiting())
		}
	})
}

// TestGateNarrows: a gate that should have less inside lets in less, but never
// nothing.
func TestGateNarrows(t *testing.T) {
	g := newGate(10, 10)
	most := 4
	g.most = func() int { return most }
	for _, n := range []int{8, 1} { // into an empty gate, and beyond what should be inside
		if err := g.enter(t.Context(), n, 0); (err != nil) != (n == 1) {
			t.Fatalf("weight %d: %v", n, err)
		}
	}
	g.leave(8)
	for i, fits := range []bool{true, true, false} {
		if err := g.enter(t.Context(), 2, 0); (err == nil) != fits {
			t.Errorf("visitor %d: %v", i, err)
		}
	}
	if most = 100; g.enter(t.Context(), 6, 0) != nil || g.enter(t.Context(), 1, 0) == nil {
		t.Errorf("%d inside, want the size of 10", g.inside())
	}
}
