package mem

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"
)

// Heap hands out float32 buffers that the garbage collector does not see. They
// hold no pointers, so nothing is lost, and two things are gained: gigabytes of
// activations do not double the collector's target, and the system may back them
// with huge pages.
//
// A heap keeps memory from one use for the next. Buffers are cut from a few large
// regions, lowest address first, and merge with their free neighbors when they
// come back. The same requests in the same order therefore get the same places,
// a steady step touches no new memory, and requests of other sizes use what the
// old ones left. It is safe for concurrent use.
//
// Buffers must not be used after Put. Those still out when the Heap is collected
// stay valid, and so does then, for good, the memory around them.
type Heap struct{ *heap }

// heap is apart from Heap so that a cleanup of the latter may hold it.
type heap struct {
	mu      sync.Mutex
	regions []*region
	used    map[*float32]place
	live    int // floats handed out
	peak    int // most of live
}

// region is one stretch of memory.
type region struct {
	data   []float32
	mapped bool   // not the garbage collector's
	free   []span // sorted by place; no two touch
	top    int    // floats below this have been handed out at some time
}

type span struct{ at, n int }

type place struct {
	r *region
	span
}

const (
	// line is the grain of buffers: a cache line, the widest vector.
	line = Align / 4
	// reserve is how many floats of address space a region takes where that
	// costs nothing, and ordinary how many where it is memory at once.
	reserve  = min(16<<30/4, math.MaxInt/16)
	ordinary = 1 << 20 / 4
)

// NewHeap returns an empty heap whose bytes are in the account name.
func NewHeap(name string) *Heap {
	h := &Heap{&heap{used: map[*float32]place{}}}
	register(name, h.heap)
	runtime.AddCleanup(h, func(h *heap) {
		unregister(h)
		h.abandon()
	}, h.heap)
	return h
}

// Get returns an uninitialized buffer of n values on a 64-byte boundary.
func (h *heap) Get(n int) []float32 {
	if n < 1 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.place(roundUp(n))
	if !ok {
		h.grow(roundUp(n))
		if p, ok = h.place(roundUp(n)); !ok {
			panic(fmt.Sprintf("mem: no room for %d values in a new region", n))
		}
	}
	b := p.r.data[p.at : p.at+n : p.at+n]
	h.used[&b[0]] = p
	h.live += p.n
	h.peak = max(h.peak, h.live)
	return b
}

// Put takes a buffer of Get back. It panics on a buffer that is not in use.
func (h *heap) Put(b []float32) {
	if len(b) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.used[&b[0]]
	if !ok {
		panic("mem: a buffer was released twice or does not come from this heap")
	}
	delete(h.used, &b[0])
	h.live -= p.n
	p.r.put(p.span)
}

// Bytes returns how much memory the heap holds, in use or free.
func (h *heap) Bytes() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	var n int64
	for _, r := range h.regions {
		if r.mapped {
			n += int64(r.top) * 4
		} else {
			n += int64(len(r.data)) * 4
		}
	}
	return n
}

// Peak returns the most that has been in use at one time, in bytes.
func (h *heap) Peak() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int64(h.peak) * 4
}

// InUse returns how many buffers are out.
func (h *heap) InUse() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.used)
}

// Trim gives the memory that is not in use back to the system.
func (h *heap) Trim() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.regions = slices.DeleteFunc(h.regions, func(r *region) bool {
		if !r.mapped {
			return len(r.free) == 1 && r.free[0].n == len(r.data)
		}
		for _, s := range r.free {
			if s.at < r.top {
				discard(r.data[s.at:min(s.at+s.n, r.top)])
			}
		}
		if last := r.free[len(r.free)-1]; last.at+last.n == len(r.data) {
			r.top = min(r.top, last.at)
		}
		return false
	})
}

// abandon unmaps what nobody uses, when the Heap is gone.
func (h *heap) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.regions {
		if r.mapped && len(r.free) == 1 && r.free[0].n == len(r.data) {
			unmap(r.data)
		}
	}
	h.regions = nil
}

// roundUp makes whole lines of n values, and one line more for large buffers,
// so that those of a power of two do not all begin at the same place of a page
// and contend for the same sets of the cache.
func roundUp(n int) int {
	m := (n + line - 1) / line * line
	if m >= 1<<12 {
		m += line
	}
	return m
}

// place takes the lowest stretch of n values that is free.
func (h *heap) place(n int) (place, bool) {
	for _, r := range h.regions {
		for i, s := range r.free {
			if s.n < n {
				continue
			}
			if s.n == n {
				r.free = slices.Delete(r.free, i, i+1)
			} else {
				r.free[i] = span{s.at + n, s.n - n}
			}
			r.top = max(r.top, s.at+n)
			return place{r, span{s.at, n}}, true
		}
	}
	return place{}, false
}

func (r *region) put(s span) {
	i := sort.Search(len(r.free), func(i int) bool { return r.free[i].at > s.at })
	if i < len(r.free) && s.at+s.n == r.free[i].at {
		s.n += r.free[i].n
		r.free = slices.Delete(r.free, i, i+1)
	}
	if i > 0 && r.free[i-1].at+r.free[i-1].n == s.at {
		r.free[i-1].n += s.n
		return
	}
	r.free = slices.Insert(r.free, i, s)
}

// grow adds a region with room for n values: address space where the system
// gives that without memory, else ordinary memory, as much as there is already.
func (h *heap) grow(n int) {
	for size := max(n, reserve); size >= n; size /= 4 {
		if d := reserveMemory(size); d != nil {
			h.regions = append(h.regions, &region{data: d, mapped: true, free: []span{{0, len(d)}}})
			return
		}
	}
	held := 0
	for _, r := range h.regions {
		held += len(r.data)
	}
	d := Floats(max(n, ordinary, min(held, 64*ordinary)))
	h.regions = append(h.regions, &region{data: d, free: []span{{0, len(d)}}})
}
