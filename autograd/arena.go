package autograd

import "github.com/whippet-ml/whippet/internal/mem"

// Arena keeps float32 buffers from one step for the next, outside the garbage
// collector's heap: Get, Put, Bytes, Peak, Trim. A step that repeats gets the same
// places again and takes no new memory. It may be shared by tapes on several
// goroutines.
type Arena = mem.Heap

// NewArena returns an empty arena.
func NewArena() *Arena { return mem.NewHeap("activations and gradients") }
