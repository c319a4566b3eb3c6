package nn

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/internal/kernel/optimizer"
	"github.com/whippet-ml/whippet/weights"
)

// Snapshot is a copy, in memory, of a model's state. Its arrays have the layout
// of memory, not PyTorch's, so that taking and restoring one are plain copies.
type Snapshot struct {
	arrays []weights.Array // one an entry, in order
}

// Snapshot copies the state as it is now.
func (d StateDict) Snapshot() *Snapshot {
	s := &Snapshot{arrays: make([]weights.Array, len(d))}
	for i, e := range d {
		s.arrays[i] = e.memoryArray()
	}
	return s
}

// Restore puts the state back that s was taken of, from the same model.
func (d StateDict) Restore(s *Snapshot) {
	for i, e := range d {
		if e.Count != nil {
			*e.Count = s.arrays[i].I64[0]
			continue
		}
		copy(e.Values(), s.arrays[i].F32)
	}
}

// Average moves the snapshot by the share weight of the way to the state as it
// is now: parameters and running statistics. Counters are copied.
func (d StateDict) Average(s *Snapshot, weight float64) {
	for i, e := range d {
		if e.Count != nil {
			s.arrays[i].I64[0] = *e.Count
			continue
		}
		optimizer.Average(s.arrays[i].F32, e.Values(), weight)
	}
}

// Swap exchanges the state with what the snapshot holds.
func (d StateDict) Swap(s *Snapshot) {
	for i, e := range d {
		if e.Count != nil {
			*e.Count, s.arrays[i].I64[0] = s.arrays[i].I64[0], *e.Count
			continue
		}
		kept := s.arrays[i].F32
		for k, v := range e.Values() {
			e.Values()[k], kept[k] = kept[k], v
		}
	}
}

// Clone returns a copy of the snapshot.
func (s *Snapshot) Clone() *Snapshot {
	c := &Snapshot{arrays: slices.Clone(s.arrays)}
	for i := range c.arrays {
		c.arrays[i].F32, c.arrays[i].I64 = slices.Clone(s.arrays[i].F32), slices.Clone(s.arrays[i].I64)
	}
	return c
}

// Arrays returns the snapshot's arrays, with prefix before each entry's name:
// to be stored, and read again by ReadSnapshot. They share the snapshot's memory.
func (s *Snapshot) Arrays(prefix string) []weights.Array {
	out := slices.Clone(s.arrays)
	for i := range out {
		out[i].Name = prefix + out[i].Name
	}
	return out
}

// ReadSnapshot finds the arrays of a snapshot of this state among those of f. It
// returns nil when f has none of them, and an error when it has some, or one
// that does not fit its entry. The snapshot shares f's memory.
func (d StateDict) ReadSnapshot(f *weights.File, prefix string) (*Snapshot, error) {
	have := byName(f)
	s := &Snapshot{}
	for _, e := range d {
		a := have[prefix+e.Name]
		if a == nil {
			continue
		}
		want := e.memoryArray()
		if a.DType != want.DType || a.Len() != want.Len() {
			return nil, fmt.Errorf("array %q has %d values of type %s, want %d of type %s", a.Name, a.Len(), a.DType, want.Len(), want.DType)
		}
		want.F32, want.I64 = a.F32, a.I64
		s.arrays = append(s.arrays, want)
	}
	switch len(s.arrays) {
	case 0:
		return nil, nil
	case len(d):
		return s, nil
	}
	return nil, fmt.Errorf("%d of %d arrays under %q are missing", len(d)-len(s.arrays), len(d), prefix)
}
