package models

import (
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// spelled is small under two other spellings: with the layers in one list, whose
// last convolution is kept as a linear layer's, and with its names in upper case.
func spelled(name string) *Architecture {
	a := small(name)
	a.Top = func(classes int) *nn.Sequential {
		return nn.NewNamed(
			nn.Child{Name: "pool", Module: nn.GlobalAvgPool{}}, nn.Child{Name: "last", Module: nn.NewLinear(8, classes, true)})
	}
	a.Spellings = []Spelling{
		{Like: func() *Architecture {
			return &Architecture{
				Name: name + "_list", Features: 8, MinSize: 3,
				Units: func() *nn.Sequential {
					return nn.NewSequential(nn.NewConv2d(3, 4, 3, 1, 0, true), nn.ReLU(), nn.NewConv2d(4, 8, 1, 1, 0, false), nn.NewBatchNorm(8))
				},
				Top: func(classes int) *nn.Sequential {
					return nn.NewNamed(nn.Child{Name: "scores", Module: nn.NewConv2d(8, classes, 1, 1, 0, true)})
				},
			}
		}},
		{Name: strings.ToUpper},
	}
	return a
}

// renamed is f under the names that n has for them.
func renamed(n naming, f *weights.File, prefix string) *weights.File {
	theirs := map[string]string{}
	for name, ours := range n.ours {
		theirs[ours] = name
	}
	out := &weights.File{Format: f.Format}
	for _, a := range f.Arrays {
		a.Name = prefix + theirs[a.Name]
		out.Arrays = append(out.Arrays, a)
	}
	return out
}

// TestSpellings reads the smallest networks that have other spellings, and one of
// the test's own, by each of them. Of the others it looks at the names and shapes,
// which the layout compares.
func TestSpellings(t *testing.T) {
	own := spelled("spelled")
	if err := Register(own); err != nil {
		t.Fatal(err)
	}
	forget(t, own.Name)
	for _, name := range Names() {
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if a != own && !slow.On() {
			continue
		}
		l, err := a.layout()
		if err != nil {
			t.Fatal(err)
		}
		if len(l.namings) != 1+len(a.Spellings) {
			t.Errorf("%s has %d namings and %d spellings", name, len(l.namings), len(a.Spellings))
		}
		if a != own && (large(name) || !slow.On()) || len(a.Spellings) == 0 {
			continue
		}
		prefixes := []string{"", "net.", "0.model."}
		full := a.Full(3, rng.New(1))
		f := stateFile(full, func(n string) string { return n })
		for i, n := range l.namings {
			for j, prefix := range prefixes {
				if a != own && j != i%len(prefixes) {
					continue
				}
				m, err := ImportOwnHead(renamed(n, f, prefix), a)
				if err != nil || m.Classes != 3 {
					t.Errorf("%s, spelling %d, after %q: %+v, error %v", name, i, prefix, m, err)
					continue
				}
				same(t, m, full)
			}
		}
	}
}

func TestSpellingChangesShapes(t *testing.T) {
	a := spelled("spelled")
	full := a.Full(3, rng.New(1))
	f := stateFile(full, func(n string) string { return n })
	for i := range f.Arrays {
		switch x := &f.Arrays[i]; x.Name {
		case "last.weight":
			x.Shape = []int{3, 8, 1, 1}
		case "trunk.out.weight":
			x.Shape = []int{8, 4}
		}
	}
	m, err := ImportOwnHead(f, a)
	if err != nil {
		t.Fatal(err)
	}
	same(t, m, full)
	f.Get("trunk.out.weight").Shape = []int{4, 8}
	if _, err := ImportOwnHead(f, a); err == nil || !strings.Contains(err.Error(), "trunk.out.weight") {
		t.Errorf("a transposed shape: %v", err)
	}
}

// TestSpellingOfFastai reads a fastai learner's body whose units fastai counts as in
// the other spelling.
func TestSpellingOfFastai(t *testing.T) {
	a := spelled("spelled")
	c := NewClassifier(a, 2, rng.New(1))
	l, err := a.layout()
	if err != nil {
		t.Fatal(err)
	}
	f := renamed(l.namings[1], stateFile(c.Body, func(n string) string { return n }), "0.")
	got := NewClassifier(a, 2, rng.New(2))
	if err := got.SetBody(f); err != nil {
		t.Fatal(err)
	}
	same(t, got.Body, c.Body)
}

// TestTimmLearner imports a fastai learner around a network of timm's, which has
// arrays of its own head that fastai computes nothing with.
func TestTimmLearner(t *testing.T) {
	a := spelled("spelled")
	c := NewClassifier(a, 2, rng.New(1))
	l, err := a.layout()
	if err != nil {
		t.Fatal(err)
	}
	f := renamed(l.namings[1], stateFile(a.Full(3, rng.New(3)), func(n string) string { return n }), timmPrefix)
	body := renamed(l.namings[1], stateFile(c.Body, func(n string) string { return n }), timmPrefix)
	for _, x := range body.Arrays {
		*f.Get(x.Name) = x
	}
	f.Arrays = append(f.Arrays, stateFile(c.Head, func(n string) string { return "1." + n }).Arrays...)
	got, err := Import(f, a)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, c)
}

// TestSameNames imports weights that fit several architectures: two that compute
// different things are an error, an alias is not.
func TestSameNames(t *testing.T) {
	a, b := small("first"), small("second")
	alias := spelled("third")
	alias.Prefix = ""
	alias.Spellings = []Spelling{{Like: func() *Architecture { return b }}}
	b.Top = alias.Top
	for _, x := range []*Architecture{b, alias} {
		if err := Register(x); err != nil {
			t.Fatal(err)
		}
		forget(t, x.Name)
	}
	f := stateFile(NewClassifier(b, 2, rng.New(1)), func(n string) string { return n })
	c, err := Import(f, nil)
	if err != nil || c.Arch != b {
		t.Fatalf("an alias beside it: %v, error %v", c, err)
	}
	if err := Register(a); err != nil {
		t.Fatal(err)
	}
	forget(t, a.Name)
	if _, err := Import(f, nil); err == nil || !strings.Contains(err.Error(), "first or second") {
		t.Errorf("two architectures with the same names: %v", err)
	}
}

func TestSpellingMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		s    Spelling
		says string
	}{
		"empty":        {Spelling{}, "Like or Name"},
		"nil":          {Spelling{Like: func() *Architecture { return nil }}, "returns nil"},
		"other layers": {Spelling{Like: func() *Architecture { return ResNet10Small }}, "trunk.in.weight is [4 3 3 3] and conv1.weight [32 3 7 7]"},
		"same name":    {Spelling{Name: func(string) string { return "x" }}, `are called "x"`},
	} {
		a := small("mistake")
		a.Spellings = []Spelling{c.s}
		if err := Register(a); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v does not say %q", name, err, c.says)
		}
	}
}
