// Package reuse keeps small values from one use to the next, so that what
// happens thousands of times in a training step (a loop, a recorded operation)
// leaves nothing to the garbage collector.
//
// Unlike sync.Pool it never forgets a value behind the program's back: as many
// are kept as were in use at one time, and a step that repeats allocates none.
// It is for values of some hundred bytes; buffers have their own keepers.
package reuse

import (
	"reflect"
	"sync"
)

// lists has the *list[T] of every T by its reflect.Type.
var lists sync.Map

type list[T any] struct {
	mu   sync.Mutex
	free []*T
}

func of[T any]() *list[T] {
	key := reflect.TypeFor[T]()
	l, ok := lists.Load(key)
	if !ok {
		l, _ = lists.LoadOrStore(key, &list[T]{})
	}
	return l.(*list[T])
}

// Get returns a value that nobody else uses: new(T), or one that Put took,
// with what Put left in it.
func Get[T any]() *T {
	l := of[T]()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.free) - 1
	if n < 0 {
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
