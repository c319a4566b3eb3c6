package mem

import (
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"
)

// lists has the *list[T] of every T by its reflect.Type.
var lists sync.Map

type list[T any] struct {
	mu   sync.Mutex
	free []*T
	made atomic.Int64
}

// Bytes implements holder.
func (l *list[T]) Bytes() int64 {
	var v T
	return l.made.Load() * int64(unsafe.Sizeof(v))
}

func of[T any]() *list[T] {
	key := reflect.TypeFor[T]()
	l, ok := lists.Load(key)
	if !ok {
		made, other := &list[T]{}, false
		if l, other = lists.LoadOrStore(key, made); !other {
			register("small values", made)
		}
	}
	return l.(*list[T])
}

// Get returns a value that nobody else uses: new(T), or one that Put took,
// with what Put left in it. It is for values of some hundred bytes that are needed
// thousands of times in a training step (a loop, a recorded operation) and shall
// leave nothing to the garbage collector. As many are kept as were in use at one
// time, and a step that repeats allocates none.
func Get[T any]() *T {
	l := of[T]()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.free) - 1
	if n < 0 {
		l.made.Add(1)
		return new(T)
	}
	v := l.free[n]
	l.free[n] = nil
	l.free = l.free[:n]
	return v
}

// Put takes v for a later Get. The caller must not touch it afterwards, and
// clears what v refers to first, unless it is to be kept alive.
func Put[T any](v *T) {
	l := of[T]()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, v)
}
