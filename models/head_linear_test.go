package models

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// TestLinearHead: a classifier with a linear head computes its layer of its features, and is the same after
// it was saved, copied and grown, for bodies that end in a map and in a row.
func TestLinearHead(t *testing.T) {
	for _, name := range []string{"resnet10_small", "vit_tiny_patch16_224"} {
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		c := NewClassifier(a, 2, rng.New(1), HeadLinear())
		layer := c.LinearHead()
		if layer == nil || NewClassifier(a, 2, rng.New(1)).LinearHead() != nil || NewOwnHead(a, 2, rng.New(1)).LinearHead() != nil {
			t.Fatalf("%s: LinearHead does not tell heads apart", name)
		}
		layer.Bias.Value.Data[1] = 0.25
		size := max(a.MinSize, 32)
		x, r := tensor.New(1, size, size, 3), rng.New(2)
		for i := range x.Data {
			x.Data[i] = float32(r.Normal())
		}
		run := func(m nn.Module) *tensor.Tensor {
			y, err := nn.Compile(m).Run(x)
			if err != nil {
				t.Fatal(err)
			}
			return y
		}
		want, of := run(c), run(c.FeatureNet())
		for k := range 2 {
			sum := float64(layer.Bias.Value.Data[k])
			for j, v := range of.Data {
				sum += float64(v) * float64(layer.Weight.Value.Data[k*len(of.Data)+j])
			}
			if d := sum - float64(want.Data[k]); d > 1e-4 || d < -1e-4 {
				t.Errorf("%s: logit %d is %v, the layer makes %v of the features", name, k, want.Data[k], sum)
			}
		}

		info := Info{Vocab: []string{"a", "b"}, Preprocess: preprocess.Config{Method: preprocess.Crop, Size: size, Stats: preprocess.ImageNetStats}}
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := Save(path, c, info); err != nil {
			t.Fatal(err)
		}
		loaded, info, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Head != LinearHead || info.Format != 3 || info.HeadDropout != nil || !slices.Equal(run(loaded).Data, want.Data) {
			t.Errorf("%s: loaded as %+v, or it computes something else", name, info)
		}
		frozen, err := c.Frozen()
		if err != nil || !slices.Equal(run(frozen).Data, want.Data) {
			t.Errorf("%s: frozen: %v, or it computes something else", name, err)
		}
		grown, err := Grow(c, info, []string{"a", "aa", "b"}, rng.New(3))
		if err != nil {
			t.Fatal(err)
		}
		if y := run(grown).Data; y[0] != want.Data[0] || y[2] != want.Data[1] {
			t.Errorf("%s: grown, the logits are %v; they were %v", name, y, want.Data)
		}
	}
}

// TestLinearHeadRefuses: a file whose head does not fit its description.
func TestLinearHeadRefuses(t *testing.T) {
	c := NewClassifier(ResNet10Small, 2, rng.New(1), HeadLinear())
	info := Info{Vocab: []string{"a", "b"}, Preprocess: preprocess.Config{Method: preprocess.Crop, Size: 32, Stats: preprocess.ImageNetStats}}
	for name, change := range map[string]func(a *weights.Array){
		"other features":  func(a *weights.Array) { a.Shape = []int{1, 2 * a.Shape[1]} },
		"another rank":    func(a *weights.Array) { a.Shape = append(a.Shape, 1) },
		"another name":    func(a *weights.Array) { a.Name = "head.7.weight" },
		"no class at all": func(a *weights.Array) { a.Shape, a.F32 = []int{0, a.Shape[1]}, nil },
	} {
		f, err := File(c, info)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Arrays {
			if f.Arrays[i].Name == "head.1.weight" {
				change(&f.Arrays[i])
			}
		}
		if _, _, err := FromFile(f); err == nil || !strings.Contains(err.Error(), "head") {
			t.Errorf("%s: %v; want an error about the head", name, err)
		}
	}
	f, err := File(c, info)
	if err != nil {
		t.Fatal(err)
	}
	f.Arrays = slices.DeleteFunc(f.Arrays, func(a weights.Array) bool { return a.Name == "head.1.bias" })
	if _, _, err := FromFile(f); err == nil || !strings.Contains(err.Error(), "no bias") {
		t.Errorf("%v of a head without its bias", err)
	}
}
