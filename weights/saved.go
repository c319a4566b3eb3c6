package weights

import (
	"errors"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/pickle"
)

// Saved is a file that torch.save wrote, read as data: whatever was saved, a
// network or what holds one, is there as values of package pickle. Nothing was
// run. Load is for state dicts and networks, this for who wants to look further.
type Saved struct {
	format Format
	value  any
	// refused is the first name that has no place in a state dict.
	refused error
	limit   *budget
	open    func(*storage) (stored, error)
	file    io.Closer
}

// OpenSaved reads the pickle of the file at path. The file stays open for its
// tensors until Close. It returns ErrNotSaved (wrapped) for a file of another
// format.
func OpenSaved(path string) (*Saved, error) {
	f, size, err := files.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	s, err := readSaved(f, size)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("weights: %s: %w", path, err)
	}
	s.file = f
	return s, nil
}

// ErrNotSaved means that a file is not one of torch.save.
var ErrNotSaved = errors.New("torch.save did not write this file")

func readSaved(r io.ReaderAt, size int64) (*Saved, error) {
	head, err := readHead(r, size)
	if err != nil {
		return nil, err
	}
	switch formatOf(head) {
	case PyTorchZip:
		return readTorchZip(r, size)
	case PyTorchLegacy:
		return readTorchLegacy(r, size)
	}
	return nil, ErrNotSaved
}

// Close closes the file.
func (s *Saved) Close() error { return s.file.Close() }

// Value returns what was saved.
func (s *Saved) Value() any { return s.value }

func (s *Saved) found(g pickle.Global) {
	if s.refused == nil {
		s.refused = checkGlobal(g)
	}
}

// state returns the arrays of the state dict, or of the network, in the file.
func (s *Saved) state() (*File, error) {
	state, fromModule, err := findState(s.value)
	if s.refused != nil && !fromModule {
		return nil, s.refused
	}
	if err != nil {
		return nil, err
	}
	return s.read(state)
}

// Module returns the parameters and buffers of a network in the file, an
// nn.Module, under the names of its state_dict.
func (s *Saved) Module(module any) (*File, error) {
	m := moduleWalk{into: &pickle.Dict{}}
	if err := m.walk("", module, 0); err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	f, err := s.read(m.into)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	return f, nil
}

// Tensor reads a tensor of the file. name is for errors, and the array's.
func (s *Saved) Tensor(name string, v any) (Array, error) {
	t, ok := v.(*tensorView)
	if !ok {
		return Array{}, fmt.Errorf("weights: %s is a %s, not a tensor", quote(name), pickle.KindOf(v))
	}
	a, err := s.array(name, t)
	if err != nil {
		return a, fmt.Errorf("weights: %w", err)
	}
	return a, nil
}

func (s *Saved) array(name string, t *tensorView) (Array, error) {
	at, err := s.open(t.storage)
	if err != nil {
		return Array{}, fmt.Errorf("tensor %s: %w", quote(name), err)
	}
	a, err := t.read(name, at, s.limit)
	if err != nil {
		return Array{}, fmt.Errorf("tensor %s: %w", quote(name), err)
	}
	return a, nil
}

// read turns a state dict into arrays.
func (s *Saved) read(state *pickle.Dict) (*File, error) {
	f := &File{Format: s.format}
	names := map[string]bool{}
	for i, v := range state.Values {
		t, ok := v.(*tensorView)
		if !ok {
			continue // a module's extra state, a counter
		}
		name, ok := state.Keys[i].(string)
		if !ok {
			return nil, fmt.Errorf("a tensor of the state dict has a %s as name", pickle.KindOf(state.Keys[i]))
		}
		if names[name] {
			return nil, fmt.Errorf("the state dict has two tensors called %s", quote(name))
		}
		names[name] = true
		if len(f.Arrays) == maxArrays {
			return nil, fmt.Errorf("the state dict has more than %d tensors; no network has so many", maxArrays)
		}
		a, err := s.array(name, t)
		if err != nil {
			return nil, err
		}
		f.Arrays = append(f.Arrays, a)
	}
	if len(f.Arrays) == 0 {
		return nil, errors.New("the file has no tensors")
	}
	f.TrimWrappers()
	return f, nil
}
