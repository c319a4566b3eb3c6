package mem

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// Buffers keeps float32 buffers from one use for the next, in lists by size. A
// list serves only requests of its size, so what is held is a property of the
// sizes that were asked for. Unlike sync.Pool it never forgets a buffer behind the
// program's back: a step that repeats allocates none. It is safe for concurrent
// use.
type Buffers struct{ *buffers }

// buffers is apart from Buffers so that a cleanup of the latter may hold it.
type buffers struct {
	round func(n int) int
	keep  int // free ones, of all sizes together; 0 for all

	mu    sync.Mutex
	free  map[int][][]float32 // by capacity
	count int                 // buffers in free
	bytes atomic.Int64
}

// NewBuffers returns buffers whose bytes are in the account name. round gives the
// size in which a request is served, n or more; nil is Class. At most keep free
// buffers are held, all of them when it is 0; sizes that are no longer asked for make
// way.
func NewBuffers(name string, round func(n int) int, keep int) *Buffers {
	if round == nil {
		round = Class
	}
	b := &Buffers{&buffers{round: round, keep: keep, free: map[int][][]float32{}}}
	register(name, b.buffers)
	runtime.AddCleanup(b, func(b *buffers) { unregister(b) }, b.buffers)
	return b
}

// Class rounds n floats up to a size class, four to an octave, so that at most a
// fifth of a buffer is waste: 1024, or 2^i*{4,5,6,7}/4.
func Class(n int) int {
	if n <= 1024 {
		return 1024
	}
	step := 1 << (bits.Len(uint(n-1)) - 3)
	return (n + step - 1) / step * step
}

// Get returns n floats of undefined content, aligned to 64 bytes.
func (b *buffers) Get(n int) []float32 {
	size := b.round(n)
	b.mu.Lock()
	if l := b.free[size]; len(l) > 0 {
		s := l[len(l)-1]
		b.take(size)
		b.mu.Unlock()
		return s[:n]
	}
	b.mu.Unlock()
	b.bytes.Add(int64(size) * 4)
	return Floats(size)[:n]
}

// Put takes a buffer of Get back. The caller must not touch it afterwards.
func (b *buffers) Put(s []float32) {
	size := cap(s)
	if Clobber.Load() {
		clobber(s[:size])
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keep > 0 && b.count == b.keep {
		if len(b.free[size]) > 0 {
			b.bytes.Add(-int64(size) * 4)
			return
		}
		b.evict()
	}
	b.free[size] = append(b.free[size], s[:size])
	b.count++
}

// take removes the last free buffer of a size.
func (b *buffers) take(size int) {
	l := b.free[size]
	l[len(l)-1] = nil
	b.free[size] = l[:len(l)-1]
	b.count--
}

// evict lets a free buffer of some size go.
func (b *buffers) evict() {
	for size, l := range b.free {
		if len(l) == 0 {
			delete(b.free, size)
			continue
		}
		b.take(size)
		b.bytes.Add(-int64(size) * 4)
		return
	}
}

// Bytes returns how many bytes are held, in use or free.
func (b *buffers) Bytes() int64 { return b.bytes.Load() }

// Clobber, for tests, lets Put fill buffers with NaN, so that who reads what was
// not written shows.
var Clobber atomic.Bool

func clobber(s []float32) {
	for i := range s {
		s[i] = nan
	}
}
