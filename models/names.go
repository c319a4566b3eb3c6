package models

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
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

// rename returns f with the names that c has, when the file's are one of the
// forms above, and otherwise f itself. Arrays outside the module that c is found
// in are left out.
func (c *Classifier) rename(f *weights.File) *weights.File {
	body := map[string]bool{}
	for _, e := range nn.State(c.Body) {
		body[e.Name] = true
	}
	known := func(to func(string) (string, bool)) int {
		n := 0
		for i := range f.Arrays {
			if name, ok := to(f.Arrays[i].Name); ok && body[name] {
				n++
			}
		}
		return n
	}
	best := func(name string) (string, bool) { return name, true }
	most, renamed, several := known(best), false, false
	for _, to := range append(c.nested(f), c.fromFastai("0.", "1."), c.fromFastai("", "")) {
		n := known(to)
		if n > most {
			best, most, renamed, several = to, n, true, false
		} else if n == most && renamed {
			several = true
		}
	}
	if several { // two networks in one file: which is meant, is not for us to guess
		return f
	}
	out := &weights.File{Format: f.Format, Metadata: f.Metadata}
	for _, a := range f.Arrays {
		if name, ok := best(a.Name); ok {
			a.Name = name
			out.Arrays = append(out.Arrays, a)
		}
	}
	return out
}

// nested returns the renamings that find the network inside another module, by
// taking away what stands before its first parameter wherever that name occurs.
func (c *Classifier) nested(f *weights.File) []func(string) (string, bool) {
	first := "." + nn.State(c.Body)[0].Name
	var all []func(string) (string, bool)
	for i := range f.Arrays {
		if before, ok := strings.CutSuffix(f.Arrays[i].Name, first); ok {
			all = append(all, func(name string) (string, bool) { return strings.CutPrefix(name, before+".") })
		}
	}
	return all
}

// fromFastai returns the renaming from fastai's numbers, with the prefixes that
// body and head have there; an empty one for the head means that there is none.
func (c *Classifier) fromFastai(bodyPrefix, headPrefix string) func(string) (string, bool) {
	units := c.Arch.unitsOf(c.Body)
	if c.Arch.Prefix != "" {
		bodyPrefix += "0."
	}
	return func(name string) (string, bool) {
		if rest, ok := strings.CutPrefix(name, headPrefix); ok && headPrefix != "" {
			return headName + "." + rest, true
		}
		rest, ok := strings.CutPrefix(name, bodyPrefix)
		number, rest, dotted := strings.Cut(rest, ".")
		i, err := strconv.Atoi(number)
		if !ok || !dotted || err != nil || i < 0 || i >= len(units) {
			return name, true
		}
		return units[i].Name + "." + rest, true
	}
}

// Import builds a classifier from the weights of one that fastai trained or
// Whippet saved: a body of one of the architectures of this package and
// fastai's head (see NewHead). f is what weights.Load reads from, for example,
// learner.save's .pth. a may be nil: the architecture is then the one that the
// names and shapes fit. The head's width and the number of classes are those of its last layer.
// The error says what the file lacks, compared with the closest architecture.
func Import(f *weights.File, a *Architecture) (*Classifier, error) {
	f.TrimWrappers()
	candidates := []*Architecture{a}
	if a == nil {
		candidates = nil
		for _, name := range Names() {
			if a, err := ByName(name); err == nil {
				candidates = append(candidates, a)
			}
		}
	}
	var closest *Classifier
	var named *weights.File
	var differ *weights.MismatchError
	count := func(d *weights.MismatchError) int {
		if d == nil {
			return 0
		}
		return len(d.Missing) + len(d.Unexpected) + len(d.Shapes)
	}
	for _, a := range candidates {
		c := &Classifier{Arch: a, Body: a.named(a.Units())} // importHead fills it
		as := c.rename(f)
		if d := differences(c.Body, as); closest == nil || count(d) < count(differ) {
			closest, named, differ = c, as, d
		}
	}
	if differ != nil {
		return nil, fmt.Errorf("models: these are not weights of a %s: %w", closest.Arch.Name, differ)
	}
	if err := closest.importHead(named); err != nil {
		return nil, err
	}
	return closest, nil
}

// differences returns the names and shapes of m's state that f does not have, and
// the arrays of f that m does not, but for those of a head; nil for none.
func differences(m nn.Module, f *weights.File) *weights.MismatchError {
	body := &weights.File{}
	for _, a := range f.Arrays {
		if !isHead(a.Name) {
			body.Arrays = append(body.Arrays, a)
		}
	}
	var d *weights.MismatchError
	if errors.As(weights.Match(nn.State(m).Specs(), body), &d) {
		return d
	}
	return nil
}

// ErrOtherHead is the error of Import for a network whose head is not of fastai's
// form. Its body can be the start of training.
var ErrOtherHead = errors.New("one of another form")

// importHead makes the head that f asks for and fills body and head.
func (c *Classifier) importHead(f *weights.File) error {
	lastLayer := headName + "." + headLinear[1]
	classes, width, err := headSize(f, c.Arch)
	switch {
	case errors.Is(err, errNoHead) && slices.ContainsFunc(f.Arrays, func(x weights.Array) bool { return isHead(x.Name) }):
		return fmt.Errorf("models: the file has no head of fastai's form (%s, or 1.%s as fastai calls it) but %w", lastLayer, headLinear[1], ErrOtherHead)
	case errors.Is(err, errNoHead):
		return fmt.Errorf("models: the file has no head of fastai's form: no array is called %s, or 1.%s as fastai calls it", lastLayer, headLinear[1])
	case err != nil:
		return fmt.Errorf("models: %w", err)
	}
	c.Classes = classes
	c.Head = NewHead(c.Arch.Features, classes, rng.New(0), HeadWidth(width))
	if err := nn.State(c).Load(f); err != nil {
		return fmt.Errorf("models: these are not weights of a %s with fastai's head: %w", c.Arch.Name, err)
	}
	return nil
}
