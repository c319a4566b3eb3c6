//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"runtime"
	"time"
	"unsafe"
)

// Exchanges of floats are made of messages, which this rank begins all at once and
// then asks about from time to time, instead of the library's own MPI_Alltoall and
// MPI_Allgather. Those ask without end, as nearly all of MPI does, so that a rank that waits
// for a later one takes a whole processor from its own backward pass. Messages
// were not slower either: between network namespaces at 10 Gbit/s 85 MB took 104 to
// 122 ms, with the library's (Open MPI 4.1) 143; by shared memory 58 and 70 ms.
const (
	// message is how many floats a message has at most: 4 MiB, far below the 2^31 that
	// MPI can count.
	message = 1 << 20
)

// patience is how a rank waits: how often it asks before it sleeps, and for how long it
// sleeps then.
type patience struct {
	polls int
	nap   time.Duration
}

// MPICH moves a piece of a message between processes of one machine only when it is asked: for a
// while, a rank asks them often. What a network brings, the system takes in meanwhile, and a rank that is
// waited for longer computes: a hundredth of a processor is enough then.
var (
	soon  = patience{32, 50 * time.Microsecond}
	later = patience{8, time.Millisecond}
)

// aWhile is how often a rank whose peers are all on its machine sleeps as soon says: about 50 ms in all.
const aWhile = 400

// requests are the handles of what is under way.
type requests struct {
	handles []uint64
	size    uintptr // of a handle, 4 or 8 bytes
	n       int     // handles in use
	done    *int32
}

// reset makes room for n handles, none in use.
func (r *requests) reset(size uintptr, n int) {
	if len(r.handles) < n {
		r.handles, r.done = make([]uint64, n), new(int32)
	}
	r.size, r.n = size, 0
}

// at returns the address of handle i.
func (r *requests) at(i int) uintptr {
	return uintptr(unsafe.Pointer(&r.handles[0])) + uintptr(i)*r.size
}

// wait returns when all that is under way is done.
func (g *Group) wait() error {
	r := &g.requests
	p := later
	if g.nodeSize == g.size {
		p = soon
	}
	for i := 1; r.n > 0; i++ {
		if err := g.lib.call(testall, uintptr(r.n), r.at(0), uintptr(unsafe.Pointer(r.done)), g.lib.abi.ignore); err != nil {
			return err
		}
		if *r.done != 0 {
			return nil
		}
		if i == aWhile*soon.polls {
			p = later
		}
		if i%p.polls == 0 {
			nap(p.nap)
		}
	}
	return nil
}

// begin starts to send x to a rank, or to receive it, in messages.
func (g *Group) begin(f function, x []float32, peer int) error {
	r := &g.requests
	for ; len(x) > 0; x = x[min(len(x), message):] {
		if err := g.lib.call(f, uintptr(unsafe.Pointer(&x[0])), uintptr(min(len(x), message)), g.lib.abi.float, uintptr(peer), 0, g.lib.abi.world, r.at(r.n)); err != nil {
			return err
		}
		r.n++
	}
	return nil
}

// beginAll starts to receive n floats from each other rank and to send as many to
// each. What the nearest rank above sends comes first, so that no rank is asked by
// all at once.
func (g *Group) beginAll(n int, from, to func(peer int) []float32) error {
	g.requests.reset(g.lib.abi.handle, 2*(g.size-1)*((n+message-1)/message))
	for d := 1; d < g.size; d++ {
		peer := (g.rank + d) % g.size
		if err := g.begin(irecv, from(peer), peer); err != nil {
			return err
		}
	}
	for d := 1; d < g.size; d++ {
		peer := (g.rank + g.size - d) % g.size
		if err := g.begin(isend, to(peer), peer); err != nil {
			return err
		}
	}
	return nil
}

// AllToAll implements distributed.Group.
func (g *Group) AllToAll(recv, send []float32) error {
	n, err := g.block("AllToAll", len(recv), len(send))
	if err != nil || n == 0 {
		return err
	}
	at := func(x []float32, r int) []float32 { return x[r*n : (r+1)*n] }
	err = g.beginAll(n, func(r int) []float32 { return at(recv, r) }, func(r int) []float32 { return at(send, r) })
	if err != nil {
		return err
	}
	err = g.wait()
	runtime.KeepAlive(recv) // where it is of Go's heap
	runtime.KeepAlive(send)
	return err
}

// AllGather implements distributed.Group.
func (g *Group) AllGather(x []float32) error {
	n, err := g.block("AllGather", len(x), len(x))
	if err != nil || n == 0 {
		return err
	}
	at := func(r int) []float32 { return x[r*n : (r+1)*n] }
	if err := g.beginAll(n, at, func(int) []float32 { return at(g.rank) }); err != nil {
		return err
	}
	err = g.wait()
	runtime.KeepAlive(x)
	return err
}
