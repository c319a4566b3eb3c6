package distributed

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

// Sum adds arrays of all ranks, element by element, along one binary tree: ranks 0
// and 1, 2 and 3, and so on, then their sums, as AddTree does. When a rank's array is itself such a sum
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
	n := len(x) / p
	AddTree(recv, n)
	multiply(recv[:n], scale)
	copy(x[s.group.Rank()*n:], recv[:n])
	return s.group.AllGather(x)
}

// AddTree adds the blocks of n floats that x consists of, a power of two of them, along a
// binary tree: neighbors first, then their sums. The result is in the first block; the others are
// destroyed.
func AddTree(x []float32, n int) {
	for width := n; width < len(x); width *= 2 {
		for at := 0; at+width < len(x); at += 2 * width {
			a, b := x[at:at+n], x[at+width:at+width+n]
			elementwise.Add(a, b, a)
		}
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
