// Package distributed has what training on several ranks is made of: a Group of
// ranks that exchange data, and sums over all ranks that have the same bits for any
// number of them.
//
// A rank is a process of an MPI program or, for tests and for one machine, a
// goroutine (Goroutines). A Group only moves data; it never adds. What MPI_Allreduce
// adds, it adds in an order that depends on the number of ranks, on the size and on
// the algorithm that the library chooses, so that the last bits differ. Here every
// sum goes along one binary tree (Sum), of which each rank computes its block.
package distributed

import "fmt"

// Group is this rank's access to the others. All ranks make the same calls in the
// same order; each call returns when this rank's part is done. Calls block and are made one at
// a time, though not always by the same goroutine; only Abort may be called beside
// another call.
//
// An error, or an *Aborted, means that the group is of no more use: every further
// call fails.
type Group interface {
	// Rank is this rank's number, from 0.
	Rank() int
	// Size is the number of ranks.
	Size() int
	// Node tells which of the ranks on this machine this one is, from 0, and how many
	// there are: what is needed once on a machine is done by the one whose number is 0.
	Node() (rank, size int)

	// Buffer returns n zero floats for AllToAll and AllGather, which may require
	// their arguments to be from here: a group of processes takes them from outside of Go's heap, as
	// network cards may hold on to their addresses. They live as long as the
	// process, so ask for them once. Parts of them serve as well as the whole.
	Buffer(n int) []float32
	// AllToAll sends block r of send to each other rank r and puts what rank r sent to
	// this rank in block r of recv. This rank's own block of recv is left as it is. Both are
	// of the same length, a multiple of Size, the same on all ranks, and do not overlap.
	AllToAll(recv, send []float32) error
	// AllGather fills x, which is of Size equal blocks, with block r of rank r. This
	// rank's own block is in its place before the call.
	AllGather(x []float32) error

	// Broadcast returns rank 0's b on all ranks. Ranks other than 0 pass nil. The
	// result is the caller's own, except on rank 0, where it is b.
	Broadcast(b []byte) ([]byte, error)
	// AllGatherBytes returns what each rank passed, by rank. Lengths may differ and
	// be 0.
	AllGatherBytes(b []byte) ([][]byte, error)
	// Barrier returns when all ranks have called it.
	Barrier() error

	// Abort ends the group because of reason, which the user sees: a group of
	// processes prints it with the rank's number and ends them all, this one too.
	// A group of goroutines returns, and lets every call of every rank, also those
	// that are under way, fail with an *Aborted. Only the first call counts.
	Abort(reason error)
}

// Aborted is the error of a Group's calls after a rank called Abort.
type Aborted struct {
	Rank   int
	Reason error
}

// Error tells which rank gave up and why.
func (a *Aborted) Error() string { return fmt.Sprintf("rank %d ended the run: %v", a.Rank, a.Reason) }

// Unwrap returns the reason.
func (a *Aborted) Unwrap() error { return a.Reason }
