package models

import (
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// small is an architecture of four units for tests.
func small(name string) *Architecture {
	return &Architecture{Name: name, Features: 8, MinSize: 3, Prefix: "trunk", Cuts: []int{1, 3}, Units: func() *nn.Sequential {
		return nn.NewNamed(
			nn.Child{Name: "in", Module: nn.NewConv2d(3, 4, 3, 1, 0, true)}, nn.Child{Name: "relu", Module: nn.ReLU()},
			nn.Child{Name: "out", Module: nn.NewConv2d(4, 8, 1, 1, 0, false)}, nn.Child{Name: "norm", Module: nn.NewBatchNorm(8)})
	}}
}

// forget takes an architecture of a test out of the registry.
func forget(t *testing.T, name string) {
	t.Cleanup(func() {
		registry.Lock()
		defer registry.Unlock()
		delete(registry.all, name)
	})
}

// The architectures of this package are registered unchecked.
func TestBuiltinArchitectures(t *testing.T) {
	for _, name := range Names() {
		if large(name) && !slow.On() {
			continue
		}
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.check(); err != nil {
			t.Error(err)
		}
	}
}

func TestRegisterMistakes(t *testing.T) {
	edit := func(change func(a *Architecture)) *Architecture {
		a := small("mistake")
		change(a)
		return a
	}
	units := func(layers ...nn.Child) func(a *Architecture) {
		return func(a *Architecture) {
			a.Cuts, a.Units = nil, func() *nn.Sequential { return nn.NewNamed(layers...) }
		}
	}
	for _, c := range []struct {
		name string
		a    *Architecture
		want string
	}{
		{"none", nil, "no architecture is given"},
		{"empty", &Architecture{}, "needs a Name"},
		{"no units", &Architecture{Name: "mistake", Features: 8}, "needs Units"},
		{"units that are nil", edit(func(a *Architecture) { a.Units = func() *nn.Sequential { return nil } }), "has no units"},
		{"no features", edit(func(a *Architecture) { a.Features = 0 }), "has Features 0"},
		{"other features", edit(func(a *Architecture) { a.Features = 9 }), "ends with a result of shape [1 1 1 8]; want [N,h,w,9]"},
		{"negative size", edit(func(a *Architecture) { a.MinSize = -1 }), "has MinSize -1"},
		{"size too small", edit(func(a *Architecture) { a.MinSize = 2 }), "a 2×2 map is too small"},
		{"cut at 0", edit(func(a *Architecture) { a.Cuts = []int{0} }), "has Cuts [0]; want rising numbers of units from 1 to 3"},
		{"cut beyond", edit(func(a *Architecture) { a.Cuts = []int{1, 4} }), "has Cuts [1 4]"},
		{"cuts that fall", edit(func(a *Architecture) { a.Cuts = []int{2, 2} }), "has Cuts [2 2]"},
		{"vectors", edit(units(nn.Child{Name: "pool", Module: nn.GlobalAvgPool{}})), "shape [1 3]"},
		{"names twice", edit(units(nn.Child{Name: "a", Module: nn.NewConv2d(3, 8, 1, 1, 0, false)}, nn.Child{Name: "a", Module: nn.NewConv2d(8, 8, 1, 1, 0, false)})), `two parameters or buffers "trunk.a.weight"`},
		{"name of a head", edit(func(a *Architecture) { a.Prefix = "classifier" }), "names of heads"},
		{"taken", edit(func(a *Architecture) { a.Name = "resnet18" }), `already an architecture "resnet18"`},
	} {
		if err := Register(c.a); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
	if _, err := ByName("mistake"); err == nil {
		t.Error("a description with a mistake is registered")
	}
}

// TestRegistered takes an architecture of a program's own, with four layer groups
// and a narrow head, into a model file and out of it, and its weights alone into
// another classifier.
func TestRegistered(t *testing.T) {
	forget(t, "small")
	a := small("small")
	if err := Register(a); err != nil {
		t.Fatal(err)
	}
	c := NewClassifier(a, 3, rng.New(1), HeadWidth(7), HeadDropout(0))
	var groups [][]string
	for _, g := range c.Groups() {
		var names []string
		for _, e := range g.Parameters() {
			names = append(names, e.Name)
		}
		groups = append(groups, names)
	}
	want := [][]string{{"trunk.in.weight", "trunk.in.bias"}, {"trunk.out.weight"}, {"trunk.norm.weight", "trunk.norm.bias"},
		{"head.2.weight", "head.2.bias", "head.4.weight", "head.6.weight", "head.6.bias", "head.8.weight"}}
	if len(groups) != len(want) {
		t.Fatalf("groups %q, want %q", groups, want)
	}
	for i := range want {
		if strings.Join(groups[i], " ") != strings.Join(want[i], " ") {
			t.Errorf("group %d is %q, want %q", i, groups[i], want[i])
		}
	}

	f, err := File(c, Info{Vocab: []string{"a", "b", "c"}, Preprocess: preprocess.Config{Size: 8, Stats: preprocess.ImageNetStats}})
	if err != nil {
		t.Fatal(err)
	}
	read, info, err := FromFile(f)
	if err != nil {
		t.Fatal(err)
	}
	if info.Arch != "small" || read.Arch != a {
		t.Errorf("read as %q", info.Arch)
	}
	imported, err := Import(&weights.File{Arrays: f.Arrays}, nil)
	if err != nil {
		t.Fatal(err)
	}
	head, err := c.CopyHead()
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(1, 8, 8, 3)
	for i := range x.Data {
		x.Data[i] = float32(i%7) - 3
	}
	logits := func(m nn.Module) []float32 {
		y, err := nn.Compile(m).Run(x)
		if err != nil {
			t.Fatal(err)
		}
		return y.Data
	}
	first := logits(c)
	for what, m := range map[string]nn.Module{"read": read, "imported": imported, "with a copy of the head": &Classifier{Arch: a, Classes: 3, Body: c.Body, Head: head}} {
		for i, v := range logits(m) {
			if v != first[i] {
				t.Errorf("%s: logit %d is %v, want %v", what, i, v, first[i])
			}
		}
	}
	if y, err := nn.Compile(a.Full(5, rng.New(1))).Run(x); err != nil || !tensor.SameShape(y.Shape, []int{1, 5}) {
		t.Errorf("with the default Top: result %v, error %v", y, err)
	}
}

func TestHeadMistakes(t *testing.T) {
	for name, o := range map[string]HeadOption{"width 0": HeadWidth(0), "dropout 2": HeadDropout(2)} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			NewHead(4, 2, rng.New(1), o)
		})
	}
	c := &Classifier{Arch: ResNet18, Classes: 2, Head: nn.NewSequential(nn.NewLinear(4, 2, false))}
	if _, err := c.CopyHead(); err == nil || !strings.Contains(err.Error(), "no layer 8") {
		t.Errorf("a head of another form: error %v", err)
	}
}
