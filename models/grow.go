package models

import (
	"errors"
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// Grow returns a classifier for more classes than the saved one c has: with its body, its head's
// layers, and in the last one its rows for the classes that info names, each at the place that
// vocab gives it. The rows of the other classes are drawn from r, as for a new head. c is not changed, and shares nothing with
// the result.
//
// vocab must have all of c's classes, and more. A class that has another name there is one that is missing.
func Grow(c *Classifier, info Info, vocab []string, r *rng.Stream) (*Classifier, error) {
	for _, old := range info.Vocab {
		if !slices.Contains(vocab, old) {
			return nil, fmt.Errorf("models: the class %q of the model is not among those that it should have: %.200q", old, vocab)
		}
	}
	if len(vocab) <= len(info.Vocab) {
		return nil, fmt.Errorf("models: %d classes are no more than the model's %d", len(vocab), len(info.Vocab))
	}
	if _, vote := c.NeighborsHead(); vote != nil {
		return nil, errors.New("models: a head of nearest pictures has no rows for classes to keep: fit it to the pictures of all classes")
	}
	f, err := File(c, info)
	if err != nil {
		return nil, err
	}
	var grown *Classifier
	if c.OwnHead {
		grown = NewOwnHead(c.Arch, len(vocab), r)
	} else if c.LinearHead() != nil {
		grown = NewClassifier(c.Arch, len(vocab), r, HeadLinear())
	} else {
		_, width, err := headSize(f, c.Arch)
		if err != nil {
			return nil, fmt.Errorf("models: %w", err)
		}
		info.describeHead(c)
		head, err := info.headOptions(width)
		if err != nil {
			return nil, fmt.Errorf("models: %w", err)
		}
		grown = NewClassifier(c.Arch, len(vocab), r, head...)
	}
	old := map[string]weights.Array{}
	for _, a := range f.Arrays {
		old[a.Name] = a
	}
	state := nn.State(grown)
	arrays := state.Arrays()
	for i, a := range arrays {
		was, ok := old[a.Name]
		switch {
		case ok && slices.Equal(was.Shape, a.Shape):
			arrays[i] = was
		case ok && len(a.Shape) > 0 && len(was.Shape) == len(a.Shape) && was.Shape[0] == c.Classes && slices.Equal(was.Shape[1:], a.Shape[1:]):
			row := len(was.F32) / c.Classes
			for k, name := range info.Vocab {
				to := slices.Index(vocab, name)
				copy(a.F32[to*row:(to+1)*row], was.F32[k*row:(k+1)*row])
			}
		default:
			return nil, fmt.Errorf("models: %s has the shape %v in the model, and %v with %d classes", a.Name, was.Shape, a.Shape, len(vocab))
		}
	}
	if err := state.Load(&weights.File{Arrays: arrays}); err != nil {
		return nil, err
	}
	return grown, nil
}
