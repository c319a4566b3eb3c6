package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/weights"
)

// Names by which other programs call the same parameters. A body's unit
// "layer1" has in files
//
//	layer1.…               torchvision, timm, Whippet
//	model.layer1.…         a network inside another module, as Lightning saves it
//	0.4.…, head 1.…        the Sequential(body, head) of fastai's vision_learner,
//	                       in which units count from 0 (SqueezeNet: 0.0.…)
//	4.…                    fastai's body alone
//	0.model.…, head 1.…    the same around timm's networks
//
// and each with other names in place of the architecture's own (Spelling).

// Import builds a classifier from the weights of one that fastai trained or
// Whippet saved: a body of one of the architectures of this package and
// fastai's head (see NewHead). f is what weights.Load reads from, for example,
// learner.save's .pth. a may be nil: the architecture is then the one that the
// names and shapes fit, and an error that names them if several do, which compute
// different things. The head's width and the number of classes are those of its last layer.
// The error says what the file lacks, compared with the closest architecture.
func Import(f *weights.File, a *Architecture) (*Classifier, error) {
	f.TrimWrappers()
	these := []*Architecture{a}
	if a == nil {
		var err error
		if these, err = candidates(f); err != nil {
			return nil, err
		}
	}
	fits, closest, err := fitting(f, these)
	if a == nil && len(fits) == 0 && err == nil { // what is the closest, then?
		if these, err = mostAlike(f); err == nil {
			fits, closest, err = fitting(f, these)
		}
	}
	if err != nil {
		return nil, err
	}
	switch fits = withoutAliases(fits); len(fits) {
	case 0:
		if a != nil {
			return nil, fmt.Errorf("models: %w", notOf(a, f, closest.differ))
		}
		return nil, fmt.Errorf("models: these are not weights of a %s: %w", closest.arch.Name, closest.differ)
	case 1:
	default:
		var names []string
		for _, x := range fits {
			names = append(names, x.arch.Name)
		}
		return nil, fmt.Errorf("models: these are weights of %s, which have the same names and shapes: say which it is", strings.Join(names, " or "))
	}
	c := &Classifier{Arch: fits[0].arch, Body: fits[0].arch.named(fits[0].arch.Units())} // importHead fills it
	if err := c.importHead(fits[0].file); err != nil {
		return nil, err
	}
	return c, nil
}

// ImportOwnHead builds a classifier with a's own head from the weights of one that
// its authors or others with their program trained: f has the arrays under the names
// of a or one of its spellings. The number of classes is that of the head.
func ImportOwnHead(f *weights.File, a *Architecture) (*Classifier, error) {
	f.TrimWrappers()
	l, err := a.layout()
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	given := f
	f, _ = l.rename(f)
	if d := l.differences(f); d != nil {
		return nil, fmt.Errorf("models: %w", notOf(a, given, d))
	}
	classes, err := ownHeadSize(f, a)
	if err != nil {
		return nil, fmt.Errorf("models: these are not weights of a %s with its own head: %w", a.Name, err)
	}
	c := NewOwnHead(a, classes, nil)
	c.FitPositions(f)
	state, shapes := nn.State(c), map[string][]int{}
	for _, e := range state {
		shapes[e.Name] = e.Shape
	}
	if err := state.Load(reshaped(f, shapes)); err != nil {
		return nil, fmt.Errorf("models: these are not weights of a %s with its own head: %w", a.Name, err)
	}
	return c, nil
}

// fit is how a file of weights fits an architecture.
type fit struct {
	arch   *Architecture
	file   *weights.File          // with the architecture's names
	of     string                 // the architecture whose names the file has
	differ *weights.MismatchError // nil if it fits
}

// fitting returns those of the architectures whose body f has, and the one that it is
// the closest to.
func fitting(f *weights.File, these []*Architecture) (fits []fit, closest fit, err error) {
	for _, a := range these {
		l, err := a.layout()
		if err != nil {
			return nil, fit{}, fmt.Errorf("models: %w", err)
		}
		x := fit{arch: a}
		x.file, x.of = l.rename(f)
		x.differ = l.differences(x.file)
		if x.differ == nil {
			fits = append(fits, x)
		}
		if closest.arch == nil || x.count() < closest.count() {
			closest = x
		}
	}
	return fits, closest, nil
}

func (x fit) count() int {
	if x.differ == nil {
		return 0
	}
	return len(x.differ.Missing) + len(x.differ.Unexpected) + len(x.differ.Shapes)
}

// notOf is the error for weights that are not a's, for the reason err: it says whose they
// are where they are another network's.
func notOf(a *Architecture, f *weights.File, err error) error {
	if these, cerr := candidates(f); cerr == nil {
		if fits, _, ferr := fitting(f, these); ferr == nil && len(fits) > 0 {
			var names []string
			for _, x := range withoutAliases(fits) {
				names = append(names, x.arch.Name)
			}
			return fmt.Errorf("these are weights of %s, not of %s", strings.Join(names, " or "), a.Name)
		}
	}
	return fmt.Errorf("these are not weights of a %s: %w", a.Name, err)
}

// withoutAliases leaves out the architectures that a file fits by the names of
// another one, which stands there itself.
func withoutAliases(fits []fit) []fit {
	var own []fit
	for _, x := range fits {
		alias := slices.ContainsFunc(fits, func(y fit) bool { return y.arch != x.arch && y.arch.Name == x.of })
		if !alias {
			own = append(own, x)
		}
	}
	return own
}

// differences returns the names and shapes of the body that f does not have, and
// the arrays of f that the body does not, but for those of a head; nil for none.
func (l *layout) differences(f *weights.File) *weights.MismatchError {
	var d *weights.MismatchError
	if errors.As(weights.Match(l.specs(f), l.bodyOf(f)), &d) {
		return d
	}
	return nil
}

// bodyOf returns the arrays of f that are not of a head.
func (l *layout) bodyOf(f *weights.File) *weights.File {
	body := &weights.File{Format: f.Format}
	for _, a := range f.Arrays {
		if !l.isHead(a.Name) {
			body.Arrays = append(body.Arrays, a)
		}
	}
	return body
}

// ErrOtherHead is the error of Import for a network whose head is not of fastai's
// form. Its body can be the start of training.
var ErrOtherHead = errors.New("one of another form")

// importHead makes the head that f asks for and fills body and head.
func (c *Classifier) importHead(f *weights.File) error {
	linear := c.Arch.headLinear()[1]
	lastLayer := headName + "." + linear
	classes, width, err := headSize(f, c.Arch)
	switch {
	case errors.Is(err, ErrNoHead) && slices.ContainsFunc(f.Arrays, func(x weights.Array) bool { return isHead(x.Name) }):
		return fmt.Errorf("models: the file has no head of fastai's form (%s, or 1.%s as fastai calls it) but %w", lastLayer, linear, ErrOtherHead)
	case errors.Is(err, ErrNoHead):
		return fmt.Errorf("models: the file has no head of fastai's form: no array is called %s, or 1.%s as fastai calls it", lastLayer, linear)
	case err != nil:
		return fmt.Errorf("models: %w", err)
	}
	c.Classes = classes
	c.Head = c.Arch.newHead(classes, nil, HeadWidth(width))
	c.FitPositions(f)
	if err := nn.State(c).Load(f); err != nil {
		return fmt.Errorf("models: these are not weights of a %s with fastai's head: %w", c.Arch.Name, err)
	}
	return nil
}
