package serve

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestOverloadOfASlowModel lets 600 clients that try again at once ask a model
// that takes 100 ms for a picture: a queue bounded by number alone is too long for
// the time that a request has, and most answers come too late. Time is simulated.
func TestOverloadOfASlowModel(t *testing.T) {
	const each, timeout, seconds = 100 * time.Millisecond, 4 * time.Second, 60
	answers := func(clients int, learns bool) (useful int64) {
		synctest.Test(t, func(t *testing.T) {
			var p pace
			requests, places := newGate(256, 256), newGate(256, 256)
			if learns {
				places.most = func() int { return p.within(timeout / 4) }
			}
			network := make(chan struct{}, 1)
			ask := func(ctx context.Context) bool {
				ctx, cancel := context.WithTimeout(ctx, timeout)
				defer cancel()
				wait := &patience{timeout / 2}
				if requests.waiting() >= requests.line {
					pause(ctx, wait.left)
					return false
				}
				if wait.enter(ctx, requests, 1) != nil {
					return false
				}
				defer requests.leave(1)
				if wait.enter(ctx, places, 1) != nil {
					return false
				}
				ahead, start := places.inside(), time.Now()
				defer places.leave(1)
				select {
				case network <- struct{}{}:
				case <-ctx.Done():
					p.note(ahead, time.Since(start))
					return false
				}
				time.Sleep(each)
				<-network
				p.note(ahead, time.Since(start))
				return ctx.Err() == nil
			}
			ctx, stop := context.WithTimeout(t.Context(), seconds*time.Second)
			defer stop()
			var n atomic.Int64
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for ctx.Err() == nil {
						if ask(ctx) {
							n.Add(1)
						}
					}
				})
			}
			wg.Wait()
			useful = n.Load()
		})
		return useful
	}
	few, many, naive := answers(8, true), answers(600, true), answers(600, false)
	t.Logf("useful answers in %d s: %d to 8 clients, %d to 600; %d without learning", seconds, few, many, naive)
	if many < few*8/10 {
		t.Errorf("%d useful answers in %d s to 600 clients, %d to 8", many, seconds, few)
	}
	if naive > few*6/10 {
		t.Errorf("%d useful answers where the pace is not learned, of %d: the test shows nothing", naive, few)
	}
}

// TestPace: what is not known bounds nothing, and the average follows.
func TestPace(t *testing.T) {
	var p pace
	if n := p.within(time.Second); n < 1<<30 {
		t.Errorf("nothing is known, and yet there is room for %d only", n)
	}
	p.note(1, 100*time.Millisecond)
	if n := p.within(time.Second); n != 10 {
		t.Errorf("room for %d pictures of 100 ms in a second, want 10", n)
	}
	for range 200 {
		p.note(50, time.Second)
	}
	if n := p.within(time.Second); n < 48 || n > 50 {
		t.Errorf("room for %d pictures of 20 ms in a second, want 50", n)
	}
}
