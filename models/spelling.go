package models

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/weights"
)

// Spelling is other names, such as another library's, for the parameters and
// buffers of an architecture, by which they are found in files too.
//
//	Spellings: []Spelling{{Like: timmEfficientNetB0}, {Name: func(name string) string { … }}}
//
// Sizes of 1 do not count when shapes are compared: a 1×1 convolution's weight
// [K,C,1,1] may stand in a file as a linear layer's [K,C], a factor [C,1,1] as [C].
type Spelling struct {
	// Like builds an architecture of the same layers in the same order, which has
	// them under the other names. It need not be registered.
	Like func() *Architecture
	// Name, where there is no Like, returns the other name of what this architecture
	// calls name, in the body and in the authors' head.
	Name func(name string) string
}

// layout is the names and shapes of a network, and how others spell them.
type layout struct {
	body   []weights.Spec
	shapes map[string][]int // of the body
	// prefixes are the names of embeddings of positions, and how many of them are of no patch.
	prefixes map[string]int
	heads    []string // what the names of the authors' head begin with
	namings  []naming // the architecture's own first
}

// naming is an architecture's own names, or one of its spellings.
type naming struct {
	of     string            // the name of the architecture whose names they are, "" if there is none
	ours   map[string]string // from the spelling's name to the architecture's, of body and authors' head
	first  string            // what the spelling calls the first parameter
	units  []string          // the names of the units; nil if they are not known
	prefix bool              // whether the units stand inside one module
}

// layouts keeps the layouts of architectures, which take the time of building them.
var layouts sync.Map // *Architecture to *layout

func (a *Architecture) layout() (*layout, error) {
	if l, ok := layouts.Load(a); ok {
		return l.(*layout), nil
	}
	body, top := a.named(a.Units()), a.top(1)
	l := &layout{body: nn.State(body).Specs(), shapes: map[string][]int{}, prefixes: map[string]int{}}
	for _, s := range l.body {
		l.shapes[s.Name] = s.Shape
	}
	walkPositions(body, func(name string, t *nn.Tokens) { l.prefixes[name] = t.Prefix() })
	for _, c := range top.Children() {
		l.heads = append(l.heads, c.Name+".")
	}
	own := append(nn.State(body), nn.State(top)...)
	var units []string
	for _, u := range a.unitsOf(body) {
		units = append(units, u.Name)
	}
	if err := l.add(naming{of: a.Name, units: units, prefix: a.Prefix != ""}, own, own); err != nil {
		return nil, fmt.Errorf("architecture %q: %w", a.Name, err)
	}
	for i, s := range a.Spellings {
		if err := l.spell(s, own); err != nil {
			return nil, fmt.Errorf("architecture %q: spelling %d: %w", a.Name, i, err)
		}
	}
	layouts.Store(a, l)
	return l, nil
}

// spell adds a spelling of own, the state of body and authors' head.
func (l *layout) spell(s Spelling, own nn.StateDict) error {
	if s.Like == nil && s.Name == nil {
		return errors.New("it needs Like or Name")
	}
	if s.Like == nil {
		theirs := slices.Clone(own)
		for i := range theirs {
			theirs[i].Name = s.Name(theirs[i].Name)
		}
		return l.add(naming{}, own, theirs)
	}
	other := s.Like()
	if other == nil {
		return errors.New("its Like returns nil")
	}
	body := other.named(other.Units())
	theirs := append(nn.State(body), nn.State(other.top(1))...)
	if err := sameLayers(own, theirs); err != nil {
		return fmt.Errorf("its Like returns other layers: %w", err)
	}
	var units []string
	for _, u := range other.unitsOf(body) {
		units = append(units, u.Name)
	}
	return l.add(naming{of: other.Name, units: units, prefix: other.Prefix != ""}, own, theirs)
}

// add adds n, a naming that calls theirs[i] what is own[i] here.
func (l *layout) add(n naming, own, theirs nn.StateDict) error {
	n.ours, n.first = make(map[string]string, len(own)), theirs[0].Name
	for i, e := range theirs {
		if n.ours[e.Name] != "" {
			return fmt.Errorf("two parameters or buffers are called %q", e.Name)
		}
		n.ours[e.Name] = own[i].Name
	}
	l.namings = append(l.namings, n)
	return nil
}

// isHead reports whether the name of an array is of a head: the authors', fastai's,
// or another, for which these names are usual.
func (l *layout) isHead(name string) bool {
	return isHead(name) || slices.ContainsFunc(l.heads, func(p string) bool { return strings.HasPrefix(name, p) })
}

func sameLayers(a, b nn.StateDict) error {
	for i := range min(len(a), len(b)) {
		if !slices.Equal(withoutOnes(a[i].Shape), withoutOnes(b[i].Shape)) {
			return fmt.Errorf("%s is %v and %s %v", a[i].Name, a[i].Shape, b[i].Name, b[i].Shape)
		}
	}
	if len(a) != len(b) {
		return fmt.Errorf("%d parameters and buffers, and %d", len(a), len(b))
	}
	return nil
}

func withoutOnes(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

// wrappers returns the ways in which f may hold a network of these names: as it is,
// inside another module, and in what fastai's vision_learner makes of it. Each takes
// a name in the file to one of the spelling, false for what is not of the network.
func (n naming) wrappers(l *layout, f *weights.File) []func(string) (string, bool) {
	all := []func(string) (string, bool){func(name string) (string, bool) { return name, true }}
	for i := range f.Arrays {
		if before, ok := strings.CutSuffix(f.Arrays[i].Name, "."+n.first); ok && before+"." != timmPrefix {
			all = append(all, inside(before+"."))
		}
	}
	all = append(all, n.timmBody(l, f))
	if n.units != nil {
		all = append(all, n.fromFastai("0.", "1."), n.fromFastai("", ""))
	}
	return all
}

func inside(prefix string) func(string) (string, bool) {
	return func(name string) (string, bool) { return strings.CutPrefix(name, prefix) }
}

const timmPrefix = "0.model."

// timmBody is fastai's Sequential(TimmBody, head) around a network of timm's. What
// the network has of timm's own head beside fastai's is left out: fastai computes
// nothing with it.
func (n naming) timmBody(l *layout, f *weights.File) func(string) (string, bool) {
	learner := slices.ContainsFunc(f.Arrays, func(a weights.Array) bool { return strings.HasPrefix(a.Name, "1.") })
	return func(name string) (string, bool) {
		if rest, ok := strings.CutPrefix(name, "1."); ok {
			return headName + "." + rest, true
		}
		name, ok := strings.CutPrefix(name, timmPrefix)
		if ours := n.ours[name]; learner && ours != "" && l.shapes[ours] == nil {
			return name, false
		}
		return name, ok
	}
}

// fromFastai returns the renaming from fastai's numbers, with the prefixes that
// body and head have there; an empty one for the head means that there is none.
func (n naming) fromFastai(bodyPrefix, headPrefix string) func(string) (string, bool) {
	if n.prefix {
		bodyPrefix += "0."
	}
	return func(name string) (string, bool) {
		if rest, ok := strings.CutPrefix(name, headPrefix); ok && headPrefix != "" {
			return headName + "." + rest, true
		}
		rest, ok := strings.CutPrefix(name, bodyPrefix)
		child, rest, dotted := strings.Cut(rest, ".")
		if ok && dotted {
			for i, u := range n.units {
				if n.fastaiUnit(i) == child {
					return u + "." + rest, true
				}
			}
		}
		return name, true
	}
}

// fastaiUnit is what unit i is called in fastai's body: that is a Sequential of the
// network's first children, whose own children keep their names.
func (n naming) fastaiUnit(i int) string {
	if n.prefix {
		_, name, _ := strings.Cut(n.units[i], ".")
		return name
	}
	return strconv.Itoa(i)
}

// rename returns f with the names and shapes of the architecture, when the file's are
// in one of the spellings and wrappers, and otherwise f itself. Arrays outside the
// module that the network is found in are left out. of is the architecture whose
// names the file has, if it is known.
func (l *layout) rename(f *weights.File) (renamed *weights.File, of string) {
	var best []string
	most, several := 0, false
	for _, n := range l.namings {
		for _, wrapper := range n.wrappers(l, f) {
			switch names, k := l.apply(n, wrapper, f); {
			case k > most:
				best, most, several, of = names, k, false, n.of
			case k == most && best != nil && !slices.Equal(best, names):
				several = true
			}
		}
	}
	if best == nil || several { // two networks in one file: which is meant, is not for us to guess
		return f, ""
	}
	out := &weights.File{Format: f.Format, Metadata: f.Metadata}
	for i, x := range f.Arrays {
		if best[i] != "" {
			x.Name = best[i]
			out.Arrays = append(out.Arrays, x)
		}
	}
	return reshaped(out, l.shapes), of
}

// reshaped returns f with the shapes that differ from its own in sizes of 1 only.
func reshaped(f *weights.File, shapes map[string][]int) *weights.File {
	out := &weights.File{Format: f.Format, Metadata: f.Metadata, Arrays: slices.Clone(f.Arrays)}
	for i := range out.Arrays {
		x := &out.Arrays[i]
		if want := shapes[x.Name]; want != nil && slices.Equal(withoutOnes(want), withoutOnes(x.Shape)) {
			x.Shape = want
		}
	}
	return out
}

// apply returns the architecture's names of the arrays of f, in n's spelling inside
// the wrapper, "" for those outside it; and how many are of the body.
func (l *layout) apply(n naming, wrapper func(string) (string, bool), f *weights.File) (names []string, body int) {
	names = make([]string, len(f.Arrays))
	for i := range f.Arrays {
		name, ok := wrapper(f.Arrays[i].Name)
		if !ok {
			continue
		}
		if ours, ok := n.ours[name]; ok {
			name = ours
			if l.shapes[ours] != nil {
				body++
			}
		}
		names[i] = name
	}
	return names, body
}
