package parallel

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// withThreads runs f at several numbers of threads.
func withThreads(t *testing.T, f func(t *testing.T)) {
	for _, n := range []int{1, 2, 3, 8} {
		t.Run(string(rune('0'+n))+" threads", func(t *testing.T) {
			defer SetThreads(SetThreads(n))
			f(t)
		})
	}
}

func TestForVisitsEveryIndexOnce(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 2, 7, 1000} {
			seen := make([]atomic.Int32, n)
			For(n, func(i int) { seen[i].Add(1) })
			for i := range seen {
				if c := seen[i].Load(); c != 1 {
					t.Fatalf("index %d of %d was visited %d times", i, n, c)
				}
			}
		}
	})
}

func TestNoMoreAtOnceThanThreads(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		var now, most atomic.Int32
		For(500, func(int) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			now.Add(-1)
		})
		if int(most.Load()) > Threads() {
			t.Errorf("%d pieces ran at once on %d threads", most.Load(), Threads())
		}
	})
}

func TestLoopsNest(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		var n atomic.Int64
		For(20, func(int) {
			For(20, func(int) {
				For(5, func(int) { n.Add(1) })
			})
		})
		if n.Load() != 2000 {
			t.Errorf("%d of 2000 bodies ran", n.Load())
		}
	})
}

func TestLoopsFromManyGoroutines(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 50 {
					var n atomic.Int64
					For(33, func(int) { n.Add(1) })
					if n.Load() != 33 {
						t.Errorf("For returned after %d of 33 pieces", n.Load())
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestPanicReachesTheCaller(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		var n atomic.Int64
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.Contains(s, "piece 7") {
					t.Errorf("recovered %q", s)
				}
			}()
			For(50, func(i int) {
				if i == 7 {
					panic("piece 7")
				}
				n.Add(1)
			})
		}()
		// The pool must have survived.
		For(10, func(int) { n.Add(1) })
		if n.Load() < 10 {
			t.Errorf("after a panic only %d pieces ran", n.Load())
		}
	})
}

func BenchmarkForOverhead(b *testing.B) {
	for range b.N {
		For(Threads(), func(int) {})
	}
}
