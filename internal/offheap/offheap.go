// Package offheap hands out large float32 buffers that the garbage collector
// does not see. They hold no pointers, so nothing is lost, and two things are
// gained: gigabytes of activations do not double the collector's target, and
// the system may back them with huge pages.
package offheap

import "runtime"

// Block is a buffer. It is freed by Free, or by the garbage collector when
// nobody holds the Block any more; Data must not be used after either.
type Block struct {
	Data    []float32
	cleanup runtime.Cleanup
	mapped  []byte // the mapping, nil for ordinary memory
}

// threshold is the size in bytes from which a block gets its own mapping.
const threshold = 1 << 20

// Alloc returns a zeroed block of n values, n >= 1.
func Alloc(n int) *Block {
	if n*4 >= threshold {
		if m := mapMemory(n * 4); m != nil {
			b := &Block{Data: floats(m)[:n], mapped: m}
			b.cleanup = runtime.AddCleanup(b, unmapMemory, m)
			return b
		}
	}
	return &Block{Data: alignedSlice(n)}
}

// Free returns the block's memory.
func (b *Block) Free() {
	if b.mapped != nil {
		b.cleanup.Stop()
		unmapMemory(b.mapped)
		b.mapped = nil
	}
	b.Data = nil
}
