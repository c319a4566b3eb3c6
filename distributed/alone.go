package distributed

import "github.com/whippet-ml/whippet/internal/mem"

// Alone is the group of one rank. Its calls do nothing.
type Alone struct{}

// Rank implements Group: it is 0.
func (Alone) Rank() int { return 0 }

// Size implements Group: it is 1.
func (Alone) Size() int { return 1 }

// Node implements Group: one rank is on this machine.
func (Alone) Node() (rank, size int) { return 0, 1 }

// Buffer implements Group. The memory is of Go's heap.
func (Alone) Buffer(n int) []float32 { return mem.Floats(n) }

// AllToAll implements Group.
func (Alone) AllToAll(recv, send []float32) error { return nil }

// AllGather implements Group.
func (Alone) AllGather([]float32) error { return nil }

// Broadcast implements Group.
func (Alone) Broadcast(b []byte) ([]byte, error) { return b, nil }

// AllGatherBytes implements Group.
func (Alone) AllGatherBytes(b []byte) ([][]byte, error) { return [][]byte{b}, nil }

// Barrier implements Group.
func (Alone) Barrier() error { return nil }

// Abort implements Group. There is nobody to tell.
func (Alone) Abort(error) {}
