package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// stateFile is c's state with its names changed.
func stateFile(c nn.Module, name func(string) string) *weights.File {
	f := &weights.File{Format: weights.PyTorchZip}
	for _, a := range nn.State(c).Arrays() {
		a.Name = name(a.Name)
		if a.DType == weights.I64 {
			a.I64[0] = 5
		}
		f.Arrays = append(f.Arrays, a)
	}
	return f
}

// fastaiNames are those of Sequential(body, head).
func fastaiNames(name string) string {
	if rest, ok := strings.CutPrefix(name, "head."); ok {
		return "1." + rest
	}
	if rest, ok := strings.CutPrefix(name, "features."); ok {
		return "0.0." + rest
	}
	for i, unit := range []string{"conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"} {
		if rest, ok := strings.CutPrefix(name, unit+"."); ok {
			return fmt.Sprintf("0.%d.%s", i, rest)
		}
	}
	return name
}

func same(t *testing.T, got, want nn.Module) {
	t.Helper()
	w := nn.State(want)
	for i, e := range nn.State(got) {
		if e.Count == nil && !slices.Equal(e.Get(), w[i].Get()) {
			t.Errorf("%s has other values", e.Name)
		}
	}
}

// TestNamesOfOthers reads bodies, and whole classifiers, under the names that
// other programs give them.
func TestNamesOfOthers(t *testing.T) {
	add := func(p string) func(string) string { return func(n string) string { return p + n } }
	for _, a := range []*Architecture{ResNet10Small, SqueezeNet1_1} {
		c := NewClassifier(a, 3, rng.New(1))
		for form, name := range map[string]func(string) string{
			"torchvision": add(""), "wrapped": add("module."), "inside a module": add("model."), "deeper": add("student.net."),
			"fastai": fastaiNames, "fastai, wrapped": func(n string) string { return "module." + fastaiNames(n) },
		} {
			t.Run(a.Name+" "+form, func(t *testing.T) {
				got := NewClassifier(a, 2, rng.New(2))
				if err := got.SetBody(stateFile(c, name)); err != nil {
					t.Fatal(err)
				}
				same(t, got.Body, c.Body)
				imported, err := Import(stateFile(c, name), nil)
				if err != nil {
					t.Fatal(err)
				}
				if imported.Arch != a || imported.Classes != 3 {
					t.Fatalf("taken for a %s of %d classes", imported.Arch, imported.Classes)
				}
				same(t, imported, c)
			})
		}
		t.Run(a.Name+" fastai's body alone", func(t *testing.T) {
			f := stateFile(c.Body, func(n string) string { return strings.TrimPrefix(fastaiNames(n), "0.") })
			got := NewClassifier(a, 2, rng.New(2))
			if err := got.SetBody(f); err != nil {
				t.Fatal(err)
			}
			same(t, got.Body, c.Body)
		})
		t.Run(a.Name+" with its own head", func(t *testing.T) {
			f := stateFile(a.Full(5, rng.New(3)), add(""))
			if err := NewClassifier(a, 2, rng.New(2)).SetBody(f); err != nil {
				t.Error(err)
			}
			if _, err := Import(f, nil); !errors.Is(err, ErrOtherHead) {
				t.Errorf("Import of a network with another head: %v", err)
			}
		})
		t.Run(a.Name+" twice", func(t *testing.T) {
			f := stateFile(c, add("a."))
			f.Arrays = append(f.Arrays, stateFile(c, add("b.")).Arrays...)
			if err := NewClassifier(a, 2, rng.New(2)).SetBody(f); err == nil || !strings.Contains(err.Error(), "unexpected") {
				t.Errorf("two networks in one file: %v", err)
			}
		})
	}
}

// TestImportMistakes checks what is said about files that hold no classifier.
func TestImportMistakes(t *testing.T) {
	c := NewClassifier(ResNet10Small, 3, rng.New(1))
	edit := func(change func(a *weights.Array)) *weights.File {
		f := stateFile(c, func(n string) string { return n })
		for i := range f.Arrays {
			change(&f.Arrays[i])
		}
		return f
	}
	only := func(name string, change func(a *weights.Array)) *weights.File {
		return edit(func(a *weights.Array) {
			if a.Name == name {
				change(a)
			}
		})
	}
	for name, tc := range map[string]struct {
		f    *weights.File
		a    *Architecture
		says string
	}{
		"nothing":      {&weights.File{}, nil, "missing"},
		"body alone":   {stateFile(c.Body, func(n string) string { return n }), nil, "no head of fastai's form"},
		"damaged":      {&weights.File{Arrays: stateFile(c, func(n string) string { return n }).Arrays[:20]}, SqueezeNet1_0, "not weights of a squeezenet1_0: weights: the file does not fit the network; 50 missing"},
		"another":      {edit(func(*weights.Array) {}), SqueezeNet1_0, "these are weights of resnet10_small, not of squeezenet1_0"},
		"scalar head":  {only("head.8.weight", func(a *weights.Array) { a.Shape, a.F32 = []int{}, a.F32[:1] }), nil, "has the shape []"},
		"no classes":   {only("head.8.weight", func(a *weights.Array) { a.Shape, a.F32 = []int{0, 512}, nil }), nil, "has the shape [0 512]"},
		"missing name": {only("layer2.0.bn1.bias", func(a *weights.Array) { a.Name = "x" }), nil, `1 missing: "layer2.0.bn1.bias"; 1 unexpected: "x"`},
		"not finite":   {only("conv1.weight", func(a *weights.Array) { a.F32[3] /= a.F32[3] - a.F32[3] }), nil, `"conv1.weight" is not finite (value 3`},
		"integers": {only("conv1.weight", func(a *weights.Array) {
			a.DType, a.I64, a.F32 = weights.I64, make([]int64, len(a.F32)), nil
		}), nil, `"conv1.weight" holds integers`},
	} {
		if _, err := Import(tc.f, tc.a); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.says)
		}
	}
}
