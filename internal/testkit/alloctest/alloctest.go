// Package alloctest counts what tests allocate.
package alloctest

import (
	"runtime"
	"testing"
	"time"
)

// Least calls f some times, or until it allocates nothing, and returns the least
// that a call allocated, on all goroutines, as a number of values and in bytes: what
// is left out is the runtime's own, buffers that another order of the same work
// needed for the first time, and what a sync.Pool keeps for one processor while f
// runs on another. testing.AllocsPerRun would not do: on its single processor the
// workers of package parallel do not get to leave the loops they were called to.
// Later calls come after longer and longer pauses, so that not all of them meet what else a busy machine does.
func Least(t testing.TB, times int, f func() error) (allocs, bytes uint64) {
	t.Helper()
	allocs, bytes = ^uint64(0), ^uint64(0)
	for i := 0; i < times && allocs > 0; i++ {
		if i > 2 {
			time.Sleep(time.Duration(i) * time.Millisecond)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := f()
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		allocs = min(allocs, after.Mallocs-before.Mallocs)
		bytes = min(bytes, after.TotalAlloc-before.TotalAlloc)
	}
	return allocs, bytes
}
