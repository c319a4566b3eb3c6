// Package parallel runs loops on a fixed set of worker goroutines.
//
// Work is cut by the caller, by shape and never by the number of threads, so
// that results do not depend on how many threads there are. Which worker runs
// which piece is decided as they become free.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// job is one loop under way: workers draw indices from next until n.
type job struct {
	body func(worker, i int)
	n    int64
	next atomic.Int64
	left atomic.Int64 // indices not yet finished
	slot atomic.Int32 // next worker number to hand out; the caller is 0
	max  int32        // workers allowed on this job
	done chan struct{}

	panicOnce sync.Once
	panicked  any
}

var (
	threads atomic.Int32
	queue   = make(chan *job, 1024)
	started atomic.Int32
	startMu sync.Mutex
)

func init() { threads.Store(int32(runtime.GOMAXPROCS(0))) }

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

func ensure(n int) {
	if int(started.Load()) >= n {
		return
	}
	startMu.Lock()
	defer startMu.Unlock()
	for int(started.Load()) < n {
		go func() {
			for {
				nextJob().help()
			}
		}()
		started.Add(1)
	}
}

// patience is how long a worker looks out for the next loop, and a caller for the
// last pieces of its own, before it sleeps. Operations follow each other within
// microseconds, and waking a thread takes tens of them, more in a virtual
// machine whose processor has gone idle.
const patience = 50 * time.Microsecond

// spin calls ready until it is true, for as long as patience lasts, and returns
// the last answer.
func spin(ready func() bool) bool {
	if ready() {
		return true
	}
	for start := time.Now(); time.Since(start) < patience; {
		for range 32 {
			if ready() {
				return true
			}
		}
	}
	return false
}

// nextJob waits for a loop that wants workers.
func nextJob() (j *job) {
	if spin(func() bool {
		select {
		case j = <-queue:
			return true
		default:
			return false
		}
	}) {
		return j
	}
	return <-queue
}

// help takes part in j under a worker number of its own.
func (j *job) help() {
	w := j.slot.Add(1)
	if w >= j.max || j.next.Load() >= j.n {
		return
	}
	j.run(int(w))
}

func (j *job) run(w int) {
	for {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		j.one(w, int(i))
	}
}

func (j *job) one(w, i int) {
	defer func() {
		if r := recover(); r != nil {
			j.panicOnce.Do(func() { j.panicked = r })
		}
		if j.left.Add(-1) == 0 {
			close(j.done)
		}
	}()
	j.body(w, i)
}

// For calls body(i) for every i in [0,n), on up to Threads goroutines, and
// returns when all calls have returned. The order is not defined. A panic in
// body is raised again in the caller, after the other pieces have finished.
// For may be called from inside a body and from several goroutines at once.
func For(n int, body func(i int)) {
	ForWorker(n, func(_, i int) { body(i) })
}

// ForWorker is For for bodies that use scratch space: worker is in
// [0,Threads()) and no two calls with the same worker number of one loop run at
// the same time.
func ForWorker(n int, body func(worker, i int)) {
	t := Threads()
	if n <= 0 {
		return
	}
	if n == 1 || t == 1 {
		for i := range n {
			body(0, i)
		}
		return
	}
	if t > n {
		t = n
	}
	ensure(t - 1)
	j := &job{body: body, n: int64(n), max: int32(t), done: make(chan struct{})}
	j.left.Store(int64(n))
	for range t - 1 {
		select {
		case queue <- j:
		default: // the queue is full of other loops: the caller works alone
		}
	}
	j.run(0)
	if !spin(func() bool { return j.left.Load() == 0 }) {
		<-j.done
	}
	if j.panicked != nil {
		panic(j.panicked)
	}
}

// Chunks calls body(lo,hi) for consecutive ranges of at most size elements
// that cover [0,n). The cuts depend on n and size alone.
func Chunks(n, size int, body func(lo, hi int)) {
	if n <= 0 {
		return
	}
	For((n+size-1)/size, func(i int) {
		body(i*size, min(n, (i+1)*size))
	})
}
