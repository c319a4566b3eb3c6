package weights

import (
	"errors"
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// An nn.Module is pickled as its attributes: _parameters and _buffers, tensors or
// None by name, and _modules, modules or None by name. Its state_dict is what
// these hold, with the names on the way down and dots between them.

const (
	maxModuleDepth = 64
	// maxModuleVisits bounds the modules and tensors of a network: modules can
	// contain each other. The largest networks have some 10^4.
	maxModuleVisits = 1 << 15
	// maxModuleName bounds a name in bytes, which grows on the way down, and
	// maxModuleNames all of them together.
	maxModuleName  = 1000
	maxModuleNames = 1 << 20
)

// isModule tells whether v is a pickled nn.Module.
func isModule(v any) bool {
	_, parameters := pickle.Attr(v, "_parameters").(*pickle.Dict)
	_, modules := pickle.Attr(v, "_modules").(*pickle.Dict)
	return parameters && modules
}

// moduleWalk collects a module's tensors.
type moduleWalk struct {
	into   *pickle.Dict
	visits int
	names  int // bytes
}

func (w *moduleWalk) walk(prefix string, module any, depth int) error {
	if !isModule(module) {
		return fmt.Errorf("%s is a %s, not a network", quote(prefix), pickle.KindOf(module))
	}
	if depth > maxModuleDepth {
		return errors.New("the modules of the network nest without end")
	}
	transient, _ := pickle.Attr(module, "_non_persistent_buffers_set").(*pickle.List)
	for _, kind := range []string{"_parameters", "_buffers", "_modules"} {
		members, ok := pickle.Attr(module, kind).(*pickle.Dict)
		if !ok {
			continue
		}
		if w.visits += len(members.Keys) + 1; w.visits > maxModuleVisits {
			return fmt.Errorf("the network has more than %d modules and tensors, or its modules contain each other", maxModuleVisits)
		}
		for i, k := range members.Keys {
			name, ok := k.(string)
			if !ok || len(prefix)+len(name) > maxModuleName {
				return fmt.Errorf("a member of module %s has a %s for a name, or one of more than %d bytes", quote(prefix), pickle.KindOf(k), maxModuleName)
			}
			if w.names += len(prefix) + len(name); w.names > maxModuleNames {
				return fmt.Errorf("the names of the network's modules and tensors have more than %d bytes", maxModuleNames)
			}
			v := members.Values[i]
			switch {
			case v == nil:
			case kind == "_modules":
				if err := w.walk(prefix+name+".", v, depth+1); err != nil {
					return err
				}
			case kind == "_buffers" && transient != nil && slices.Contains(transient.Items[:min(len(transient.Items), maxRank)], any(name)):
			default:
				w.into.Keys, w.into.Values = append(w.into.Keys, prefix+name), append(w.into.Values, v)
			}
		}
	}
	return nil
}

// moduleState returns the state dict of v, when it is a module or an object whose
// attribute "model" is one, as fastai's Learner; nil when it is neither.
func moduleState(v any) (*pickle.Dict, error) {
	if model := pickle.Attr(v, "model"); !isModule(v) && isModule(model) {
		v = model
	}
	if !isModule(v) {
		return nil, nil
	}
	w := moduleWalk{into: &pickle.Dict{}}
	err := w.walk("", v, 0)
	return w.into, err
}
