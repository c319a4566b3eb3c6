//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"sync"
	"unsafe"
)

// Group is this rank's access to the others, as distributed.Group describes it.
type Group struct {
	lib                *library
	rank, size         int
	nodeRank, nodeSize int
	concurrent         bool // calls may be made while others are under way
	ended              sync.Once
	requests           requests
}

// Rank implements distributed.Group.
func (g *Group) Rank() int { return g.rank }

// Size implements distributed.Group.
func (g *Group) Size() int { return g.size }

// Node implements distributed.Group.
func (g *Group) Node() (rank, size int) { return g.nodeRank, g.nodeSize }

// Buffer implements distributed.Group.
func (g *Group) Buffer(n int) []float32 { return memory(n) }

// atMost is the largest number of bytes of one message: MPI counts in ints.
const atMost = 1 << 30

// Broadcast implements distributed.Group.
func (g *Group) Broadcast(b []byte) ([]byte, error) {
	if err := g.Barrier(); err != nil { // waits without taking a processor
		return nil, err
	}
	n := new(int64)
	*n = int64(len(b))
	if err := g.broadcast(0, unsafe.Slice((*byte)(unsafe.Pointer(n)), 8)); err != nil {
		return nil, err
	}
	if g.rank != 0 {
		b = make([]byte, *n)
	}
	return b, g.broadcast(0, b)
}

// broadcast sends b of rank root to all others, whose b has the same length.
func (g *Group) broadcast(root int, b []byte) error {
	for ; len(b) > 0; b = b[min(len(b), atMost):] {
		if err := g.lib.call(bcast, uintptr(unsafe.Pointer(&b[0])), uintptr(min(len(b), atMost)), g.lib.abi.byte, uintptr(root), g.lib.abi.world); err != nil {
			return err
		}
	}
	return nil
}

// AllGatherBytes implements distributed.Group.
func (g *Group) AllGatherBytes(b []byte) ([][]byte, error) {
	if err := g.Barrier(); err != nil {
		return nil, err
	}
	lengths := make([]int64, g.size)
	lengths[g.rank] = int64(len(b))
	if err := g.lib.call(allgather, g.lib.abi.inPlace, 0, g.lib.abi.byte, uintptr(unsafe.Pointer(&lengths[0])), 8, g.lib.abi.byte, g.lib.abi.world); err != nil {
		return nil, err
	}
	all := make([][]byte, g.size)
	for r, n := range lengths {
		all[r] = make([]byte, n)
		if r == g.rank {
			copy(all[r], b)
		}
		if err := g.broadcast(r, all[r]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Barrier implements distributed.Group.
func (g *Group) Barrier() error {
	r := &g.requests
	r.reset(g.lib.abi.handle, 1)
	if err := g.lib.call(ibarrier, g.lib.abi.world, r.at(0)); err != nil {
		return err
	}
	r.n = 1
	return g.wait()
}

// block checks the lengths of an exchange's arrays and returns that of a block.
func (g *Group) block(what string, a, b int) (int, error) {
	if a != b || a%g.size != 0 {
		return 0, fmt.Errorf("mpi: %s of %d and %d floats on %d ranks: the lengths must be equal, and a multiple of the number of ranks", what, a, b, g.size)
	}
	return a / g.size, nil
}
