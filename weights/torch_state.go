package weights

import (
	"errors"
	"fmt"
	"strings"
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
// tensors in it.
func findState(root any) (*dict, error) {
	top, ok := root.(*dict)
	if !ok {
		if _, ok := root.(*tensorView); ok {
			return nil, errors.New("the file holds one tensor without a name, not a state dict")
		}
		return nil, fmt.Errorf("the file holds a %s, not a state dict; save model.state_dict()", kindOf(root))
	}
	s := stateSearch{}
	found := s.search(top, 0)
	if s.visits > maxStateVisits {
		return nil, errors.New("the dictionaries of the checkpoint nest without end")
	}
	if s.several != nil {
		return nil, fmt.Errorf("tensors are under several keys, %s, none of which is usual for a state dict; save the one that is wanted by itself", quoteList(s.several))
	}
	if found == nil {
		return nil, fmt.Errorf("no tensors under its keys %s", quoteList(keyNames(top)))
	}
	return found, nil
}

type stateSearch struct {
	visits  int
	several []string
}

func (s *stateSearch) search(d *dict, depth int) *dict {
	if s.visits += len(d.keys) + 1; s.visits > maxStateVisits || depth > maxStateDepth {
		return nil
	}
	// Usual keys come before the dictionary's own tensors: scripts save a loss or
	// a step beside the state dict, and those are tensors too.
	for _, want := range stateKeys {
		for i, k := range d.keys {
			if child, ok := d.values[i].(*dict); ok && k == want {
				if found := s.search(child, depth+1); found != nil || s.several != nil {
					return found
				}
			}
		}
	}
	for _, v := range d.values {
		if _, ok := v.(*tensorView); ok {
			return d
		}
	}
	var found *dict
	var names []string
	for i, k := range d.keys {
		name, ok1 := k.(string)
		child, ok2 := d.values[i].(*dict)
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

func keyNames(d *dict) []string {
	var names []string
	for _, k := range d.keys {
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
