package autograd

import "github.com/whippet-ml/whippet/internal/offheap"

// Arena keeps float32 buffers from one step for the next, outside the garbage
// collector's heap. A step that repeats gets the same places again and takes no
// new memory.
//
// An Arena may be shared by tapes on several goroutines.
type Arena struct{ heap *offheap.Heap }

// NewArena returns an empty arena.
func NewArena() *Arena { return &Arena{offheap.New()} }

// Bytes returns how much the arena holds, in use or free.
func (a *Arena) Bytes() int64 { return a.heap.Bytes() }

// Peak returns the most that has been in use at one time, in bytes.
func (a *Arena) Peak() int64 { return a.heap.Peak() }

// Get returns an uninitialised buffer of n values on a 64-byte boundary.
func (a *Arena) Get(n int) []float32 { return a.heap.Get(n) }

// Put takes a buffer of Get back. It panics on a buffer that is not in use.
func (a *Arena) Put(s []float32) { a.heap.Put(s) }

// Trim returns all idle memory to the system.
func (a *Arena) Trim() { a.heap.Trim() }
