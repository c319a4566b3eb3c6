package weights

import (
	"errors"
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// stateKeys are the names under which training scripts nest the state dict,
// in the order in which they are tried: PyTorch Lightning and timm
// ("state_dict"), PyTorch's tutorials ("model_state_dict"), fastai and
// torchvision's references ("model"), and others.
var stateKeys = []string{"state_dict", "model_state_dict", "model", "model_state", "net", "network", "params", "weights", "module", "ema", "state_dict_ema", "model_ema"}

const (
	maxStateDepth = 4
	// maxStateVisits bounds the search: dictionaries can contain each other.
	maxStateVisits = 1 << 20
)

// findState finds the dictionary of tensors in the value of a checkpoint: what
// it has under one of stateKeys, or the value itself, or the only dictionary of
// tensors in it. A network has the place of its state dict; fromModule says that
// it was one.
func findState(root any) (state *pickle.Dict, fromModule bool, err error) {
	top, ok := root.(*pickle.Dict)
	if !ok {
		if state, err := moduleState(root); state != nil || err != nil {
			return state, true, err
		}
		if _, ok := root.(*tensorView); ok {
			return nil, false, errors.New("the file holds one tensor without a name, not a state dict")
		}
		return nil, false, fmt.Errorf("the file holds a %s, not a state dict; save model.state_dict()", pickle.KindOf(root))
	}
	s := stateSearch{}
	found := s.search(top, 0)
	switch {
	case s.err != nil:
	case s.visits > maxStateVisits:
		s.err = errors.New("the dictionaries of the checkpoint nest without end")
	case s.several != nil:
		s.err = fmt.Errorf("tensors are under several keys, %s, none of which is usual for a state dict; save the one that is wanted by itself", quoteList(s.several))
	case found == nil:
		s.err = fmt.Errorf("no tensors under its keys %s", quoteList(keyNames(top)))
	}
	return found, s.module, s.err
}

type stateSearch struct {
	visits  int
	several []string
	module  bool // what was found is a network
	err     error
}

func (s *stateSearch) search(d *pickle.Dict, depth int) *pickle.Dict {
	if s.visits += len(d.Keys) + 1; s.visits > maxStateVisits || depth > maxStateDepth {
		return nil
	}
	// Usual keys come before the dictionary's own tensors: scripts save a loss or
	// a step beside the state dict, and those are tensors too.
	for _, want := range stateKeys {
		for i, k := range d.Keys {
			if k != want {
				continue
			}
			if child, ok := d.Values[i].(*pickle.Dict); ok {
				if found := s.search(child, depth+1); found != nil || s.several != nil || s.err != nil {
					return found
				}
			} else if state, err := moduleState(d.Values[i]); state != nil || err != nil {
				s.module, s.err = true, err
				return state
			}
		}
	}
	for _, v := range d.Values {
		if _, ok := v.(*tensorView); ok {
			return d
		}
	}
	var found *pickle.Dict
	var names []string
	for i, k := range d.Keys {
		name, ok1 := k.(string)
		child, ok2 := d.Values[i].(*pickle.Dict)
		if !ok1 || !ok2 || contains(stateKeys, name) || strings.HasPrefix(name, "opt") {
			continue
		}
		if below := s.search(child, depth+1); below != nil {
			found = below
			names = append(names, name)
		}
	}
	if len(names) > 1 {
		s.several = names
		return nil
	}
	return found
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func keyNames(d *pickle.Dict) []string {
	var names []string
	for _, k := range d.Keys {
		if s, ok := k.(string); ok {
			names = append(names, s)
		}
	}
	return names
}

// quoteList shows the first names of a list.
func quoteList(names []string) string {
	const limit = 10
	var b strings.Builder
	for i, n := range names {
		if i == limit {
			fmt.Fprintf(&b, " and %d more", len(names)-limit)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(n))
	}
	if len(names) == 0 {
		return "(none)"
	}
	return b.String()
}
