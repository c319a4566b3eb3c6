package mem

import (
	"math/bits"
	"sync"
)

// Pool keeps values that are worth another use, but not worth holding when memory
// is short: the garbage collector may take those that nobody uses. The zero value
// is ready. It is safe for concurrent use.
type Pool[T any] struct{ pool sync.Pool }

// Get returns a value that nobody else uses: new(T), or one that Put took, with
// what Put left in it.
func (p *Pool[T]) Get() *T {
	if v, _ := p.pool.Get().(*T); v != nil {
		return v
	}
	return new(T)
}

// Put takes v for a later Get. The caller must not touch it afterwards.
func (p *Pool[T]) Put(v *T) { p.pool.Put(v) }

// Slices is a Pool of slices of any length. Class c holds those of capacity 2^c to
// 2^(c+1)-1. The zero value is ready. It is safe for concurrent use.
type Slices[T any] struct{ classes [bits.UintSize]sync.Pool }

// sliceStep is the grain of new slices, so that those of nearly one length serve
// each other.
const sliceStep = 1 << 12

// Get returns a slice of length n, 1 or more, with undefined content.
func (p *Slices[T]) Get(n int) []T {
	class := bits.Len(uint(n)) - 1
	for _, c := range [2]int{class, class + 1} {
		if s, _ := p.classes[c].Get().(*[]T); s != nil && cap(*s) >= n {
			return (*s)[:n]
		}
	}
	return make([]T, n, (n+sliceStep-1)/sliceStep*sliceStep)
}

// Put takes a slice of Get back. The caller must not touch it afterwards.
func (p *Slices[T]) Put(s []T) {
	if cap(s) > 0 {
		p.classes[bits.Len(uint(cap(s)))-1].Put(&s)
	}
}
