package autograd

import (
	"slices"
	"sort"
	"sync"

	"github.com/whippet-ml/whippet/internal/offheap"
)

// Arena keeps float32 buffers from one step for the next. Large ones live
// outside the garbage collector's heap, where the system can back them with
// huge pages and where they do not double the collector's target.
//
// An Arena may be shared by tapes on several goroutines.
type Arena struct {
	mu    sync.Mutex
	free  []idle // sorted by capacity
	used  map[*float32]*offheap.Block
	clock int64 // counts returns, to tell which idle block has been so for longest
	bytes int64
	live  int64
	peak  int64
}

// idle is a block that nobody uses, and since when.
type idle struct {
	*offheap.Block
	since int64
}

// NewArena returns an empty arena.
func NewArena() *Arena { return &Arena{used: map[*float32]*offheap.Block{}} }

// Bytes returns how much the arena holds, in use or free.
func (a *Arena) Bytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bytes
}

// Peak returns the most that has been in use at one time, in bytes.
func (a *Arena) Peak() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.peak
}

// Get returns an uninitialised buffer of n values. A free block serves when it
// is at most an eighth larger than needed, so that buffers of a few similar
// shapes share blocks without waste piling up.
func (a *Arena) Get(n int) []float32 {
	if n == 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i := sort.Search(len(a.free), func(i int) bool { return len(a.free[i].Data) >= n })
	var b *offheap.Block
	if i < len(a.free) && len(a.free[i].Data) <= n+n/8+1024 {
		b = a.free[i].Block
		a.free = slices.Delete(a.free, i, i+1)
	} else {
		// What a step needs at most, and a quarter for sizes that do not quite
		// fit each other: beyond that, blocks of shapes that are no longer used
		// make room, the longest idle first.
		limit := max(a.peak, a.live+int64(n)*4)
		limit += limit / 4
		for len(a.free) > 0 && a.bytes+int64(n)*4 > limit {
			a.dropOldest()
		}
		b = offheap.Alloc(n)
		a.bytes += int64(len(b.Data)) * 4
	}
	a.live += int64(len(b.Data)) * 4
	a.peak = max(a.peak, a.live)
	a.used[&b.Data[0]] = b
	return b.Data[:n]
}

// Put takes a buffer of Get back. It panics on a buffer that is not in use.
func (a *Arena) Put(s []float32) {
	if len(s) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.used[&s[0]]
	if b == nil {
		panic("autograd: a buffer was released twice or does not come from this arena")
	}
	delete(a.used, &s[0])
	a.live -= int64(len(b.Data)) * 4
	i := sort.Search(len(a.free), func(i int) bool { return len(a.free[i].Data) >= len(b.Data) })
	a.clock++
	a.free = slices.Insert(a.free, i, idle{b, a.clock})
}

func (a *Arena) dropOldest() {
	oldest := 0
	for i, f := range a.free {
		if f.since < a.free[oldest].since {
			oldest = i
		}
	}
	b := a.free[oldest]
	a.free = slices.Delete(a.free, oldest, oldest+1)
	a.bytes -= int64(len(b.Data)) * 4
	b.Free()
}

// Trim returns all idle buffers to the system.
func (a *Arena) Trim() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.free) > 0 {
		a.dropOldest()
	}
}
