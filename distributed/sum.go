package distributed

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

// Sum adds arrays of all ranks, element by element, along one binary tree: ranks 0
// and 1, 2 and 3, and so on, then their sums. When a rank's array is itself such a sum
// of its own S/p parts, the result has the same bits for every number p of ranks that
// are a power of two: the tree over S parts is the same, only cut elsewhere.
//
// Each rank adds one block of the arrays: blocks are exchanged, added, and the sums gathered,
// so that a rank sends 2(p-1)/p of an array's bytes, as in a ring.
type Sum struct {
	group Group
	recv  []float32
}

// NewSum returns sums over the ranks of g of arrays of up to n floats; n is a multiple
// of g.Size(). The number of ranks must be a power of two.
func NewSum(g Group, n int) (*Sum, error) {
	p := g.Size()
	if p&(p-1) != 0 {
		return nil, fmt.Errorf("distributed: %d ranks: a sum with the same bits for any number of ranks needs a power of two of them", p)
	}
	s := &Sum{group: g}
	if p > 1 {
		s.recv = g.Buffer(n)
	}
	return s, nil
}

// Add replaces x, on all ranks, by the sum of all ranks' x. Its length is a multiple of
// the number of ranks, and its memory is from the group's Buffer.
func (s *Sum) Add(x []float32) error { return s.AddScaled(x, 1) }

// AddScaled is Add of a sum that is then multiplied by scale.
func (s *Sum) AddScaled(x []float32, scale float32) error {
	p := s.group.Size()
	if p == 1 {
		multiply(x, scale)
		return nil
	}
	if len(x) == 0 {
		return nil
	}
	recv := s.recv[:len(x)]
	if err := s.group.AllToAll(recv, x); err != nil {
		return err
	}
	s.addBlocks(recv, x, scale)
	return s.group.AllGather(x)
}

// piece is how many floats of each block are added before the next: few enough that they
// stay in the cache from one sum of the tree to the next.
const piece = 1 << 12

// addBlocks makes this rank's block of x the sum, times scale, of that block and of those that the
// others sent, which are in recv and are destroyed.
func (s *Sum) addBlocks(recv, x []float32, scale float32) {
	p, rank := s.group.Size(), s.group.Rank()
	n := len(x) / p
	own := x[rank*n : (rank+1)*n]
	for at := 0; at < n; at += piece {
		end := min(at+piece, n)
		block := func(r int) []float32 {
			if r == rank {
				return own[at:end]
			}
			return recv[r*n+at : r*n+end]
		}
		for width := 1; width < p; width *= 2 {
			for r := 0; r < p; r += 2 * width {
				sum := block(r)
				if 2*width == p {
					sum = own[at:end]
				}
				elementwise.Add(block(r), block(r+width), sum)
			}
		}
		multiply(own[at:end], scale)
	}
}
func multiply(x []float32, scale float32) {
	if scale == 1 {
		return
	}
	for i := range x {
		x[i] *= scale
	}
}
