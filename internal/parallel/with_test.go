package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestForWithVisitsEveryIndexOnce(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 2, 7, 1000} {
			seen := make([]atomic.Int32, n)
			ForWith(n, seen, func(seen *[]atomic.Int32, i int) { (*seen)[i].Add(1) })
			for i := range seen {
				if c := seen[i].Load(); c != 1 {
					t.Fatalf("index %d of %d was visited %d times", i, n, c)
				}
			}
		}
	})
}

func TestChunksWithCoverTheRange(t *testing.T) {
	type args struct {
		seen []atomic.Int32
		size int
	}
	withThreads(t, func(t *testing.T) {
		for _, c := range []struct{ n, size int }{{0, 3}, {1, 3}, {3, 3}, {103, 10}} {
			a := args{make([]atomic.Int32, c.n), c.size}
			ChunksWith(c.n, c.size, a, func(a *args, lo, hi int) {
				if lo%a.size != 0 || hi-lo > a.size || hi > len(a.seen) {
					t.Errorf("chunk [%d,%d) of %d by %d", lo, hi, len(a.seen), a.size)
				}
				for i := lo; i < hi; i++ {
					a.seen[i].Add(1)
				}
			})
			for i := range a.seen {
				if k := a.seen[i].Load(); k != 1 {
					t.Errorf("element %d of %d, by %d, was visited %d times", i, c.n, c.size, k)
				}
			}
		}
	})
}

// TestLoopsDoNotMix runs many loops whose jobs are taken from each other at
// once: each piece must meet the arguments of its own loop.
func TestLoopsDoNotMix(t *testing.T) {
	type args struct {
		key   int
		count *atomic.Int64
	}
	withThreads(t, func(t *testing.T) {
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for k := range 300 {
					n := 1 + (g+k)%40
					var sum, inner atomic.Int64
					a := args{1000*g + k, &sum}
					ForWith(n, a, func(a *args, _ int) { a.count.Add(int64(a.key)) })
					if want := int64(a.key * n); sum.Load() != want {
						t.Errorf("%d pieces of loop %d summed to %d, want %d", n, a.key, sum.Load(), want)
					}
					For(3, func(int) { For(3, func(int) { inner.Add(1) }) })
					if inner.Load() != 9 {
						t.Errorf("%d of 9 pieces of nested loops ran", inner.Load())
					}
				}
			})
		}
		wg.Wait()
	})
}

// TestPanicIsForgotten makes sure that a job that panicked does not panic again
// in a later loop.
func TestPanicIsForgotten(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		for range 20 {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic of a piece did not reach the caller")
					}
				}()
				For(50, func(i int) { panic(i) })
			}()
			For(50, func(int) {})
		}
	})
}

// TestLoopsAllocateNothing counts what loops without captured variables leave
// to the garbage collector, on one thread and on several.
func TestLoopsAllocateNothing(t *testing.T) {
	type args struct {
		x []float32
		f float32
	}
	withThreads(t, func(t *testing.T) {
		a := args{make([]float32, 1000), 3}
		loops := func() {
			for range 50 {
				ForWith(len(a.x), a, func(a *args, i int) { a.x[i] += a.f })
				ChunksWith(len(a.x), 64, a, func(a *args, lo, hi int) {
					for i := range a.x[lo:hi] {
						a.x[lo+i] *= a.f
					}
				})
			}
		}
		loops()
		if n := allocations(loops); n > 20 {
			t.Errorf("%d allocations in 100 loops, want next to none", n)
		}
	})
}

// allocations returns how many objects f allocates, on all goroutines; the
// least of three, because the runtime itself allocates now and then.
func allocations(f func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
	}
	return least
}

// TestForOn holds that no two bodies run with the same number at a time, and that numbers stay below what was asked for.
func TestForOn(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		for _, most := range []int{1, 2, 3, 50} {
			var busy [50]atomic.Bool
			var calls atomic.Int32
			ForOn(300, most, &busy, func(b **[50]atomic.Bool, i, thread int) {
				if thread < 0 || thread >= most || (*b)[thread].Swap(true) {
					t.Errorf("%d threads: thread %d is not one, or is busy", most, thread)
					return
				}
				calls.Add(1)
				(*b)[thread].Store(false)
			})
			if n := calls.Load(); n != 300 {
				t.Errorf("%d threads: %d calls, want 300", most, n)
			}
		}
	})
}
