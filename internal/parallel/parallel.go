// Package parallel runs loops on a fixed set of worker goroutines.
//
// Work is cut by the caller, by shape and never by the number of threads, so
// that results do not depend on how many threads there are. Every thread begins with a
// part of the pieces that is its own, the same in every loop, and takes from the others' when it is through.
//
// A function literal given to another goroutine lives on the heap, with
// everything it captures. That is no matter for a loop that runs once for each
// picture, but a training step has thousands: kernels use ForWith and
// ChunksWith, whose bodies capture nothing and find what they need in a struct
// that is kept from loop to loop.
package parallel

import (
	"runtime"

	"github.com/whippet-ml/whippet/internal/mem"
)

// Threads returns how many goroutines a loop may use at once.
func Threads() int { return int(threads.Load()) }

// SetThreads sets how many goroutines a loop may use at once; n < 1 means
// GOMAXPROCS. It returns the previous value. Loops under way are not affected.
func SetThreads(n int) int {
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	return int(threads.Swap(int32(n)))
}

// For calls body(i) for every i in [0,n), on up to Threads goroutines, and
// returns when all calls have returned. The order is not defined. A panic in
// body is raised again in the caller, after the other pieces have finished.
// For may be called from inside a body and from several goroutines at once.
func For(n int, body func(i int)) { run(n, plain(body)) }

// ForWith is For for a body that captures nothing, which then costs no
// allocation: it is given args, one copy for all calls of the loop. They may
// read *a, and write it only where they do not meet.
func ForWith[A any](n int, args A, body func(a *A, i int)) {
	l := mem.Get[loop[A]]()
	l.args, l.body = args, body
	run(n, l)
	*l = loop[A]{} // what args refers to must not stay alive
	mem.Put(l)
}

// loop is a ForWith under way.
type loop[A any] struct {
	args A
	body func(a *A, i int)
}

func (l *loop[A]) piece(i, _ int) { l.body(&l.args, i) }

// ForOn is ForWith on at most threads goroutines, whose body is told which of them it runs on, from 0 to threads-1: what
// it keeps for each is in the caches of the processor that works on it. A goroutine has the same number in every loop.
func ForOn[A any](n, threads int, args A, body func(a *A, i, thread int)) {
	l := mem.Get[loopOn[A]]()
	l.args, l.body = args, body
	runOn(n, threads, l)
	*l = loopOn[A]{}
	mem.Put(l)
}

// loopOn is a ForOn under way.
type loopOn[A any] struct {
	args A
	body func(a *A, i, thread int)
}

func (l *loopOn[A]) piece(i, thread int) { l.body(&l.args, i, thread) }

// ChunksWith is ForWith that calls body(a,lo,hi) for consecutive ranges of at
// most size elements that cover [0,n). The cuts depend on n and size alone.
func ChunksWith[A any](n, size int, args A, body func(a *A, lo, hi int)) {
	if n <= 0 {
		return
	}
	c := mem.Get[chunks[A]]()
	c.args, c.n, c.size, c.body = args, n, size, body
	run((n+size-1)/size, c)
	*c = chunks[A]{}
	mem.Put(c)
}

// chunks is a ChunksWith under way.
type chunks[A any] struct {
	args    A
	n, size int
	body    func(a *A, lo, hi int)
}

func (c *chunks[A]) piece(i, _ int) { c.body(&c.args, i*c.size, min(c.n, (i+1)*c.size)) }

// plain is the body of a For.
type plain func(i int)

func (f plain) piece(i, _ int) { f(i) }
