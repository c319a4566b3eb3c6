package models

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// TestWithFeatures: logits and features of one pass are those of two.
func TestWithFeatures(t *testing.T) {
	for _, name := range []string{"resnet10_small", "squeezenet1_1", "vit_tiny_patch16_224", "mobilenetv3_small_100"} {
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*Classifier{NewClassifier(a, 3, rng.New(1)), NewClassifier(a, 3, rng.New(1), HeadLinear()), NewOwnHead(a, 3, rng.New(1))} {
			size := max(a.MinSize, 64)
			x, r := tensor.New(2, size, size, 3), rng.New(2)
			for i := range x.Data {
				x.Data[i] = float32(r.Normal())
			}
			run := func(m nn.Module) []float32 {
				y, err := nn.Compile(m).Run(x)
				if err != nil {
					t.Fatal(err)
				}
				return y.Data
			}
			both, logits, features := run(c.WithFeatures()), run(c), run(c.FeatureNet())
			w := 3 + a.Features
			for i := range 2 {
				if !slices.Equal(both[i*w:i*w+3], logits[i*3:i*3+3]) || !slices.Equal(both[i*w+3:(i+1)*w], features[i*a.Features:(i+1)*a.Features]) {
					t.Errorf("%s: picture %d has other logits or features in one pass than in two", name, i)
				}
			}
		}
	}
}

func strange(features int) *confidence.Strangeness {
	s := &confidence.Strangeness{Classes: 2, Features: features, Means: make([]float32, 2*features), Whitening: make([]float32, features*(features+1)/2), Limit: 3, Quantile: 0.99, Pictures: 10}
	for i := range s.Whitening {
		s.Whitening[i] = float32(i%7) / 10
	}
	return s
}

// TestStrangenessInFile: a model's strangeness is read as it was written, also from a file that is taken
// for the body alone, and one that does not fit is refused.
func TestStrangenessInFile(t *testing.T) {
	c := NewClassifier(ResNet10Small, 2, rng.New(1))
	info := Info{Vocab: []string{"a", "b"}, Preprocess: preprocess.Config{Method: preprocess.Crop, Size: 32, Stats: preprocess.ImageNetStats}, Strangeness: strange(ResNet10Small.Features)}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := Save(path, c, info); err != nil {
		t.Fatal(err)
	}
	_, got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if s, want := got.Strangeness, info.Strangeness; got.Format != 5 || s == nil || s.Limit != 3 || s.Pictures != 10 || !slices.Equal(s.Means, want.Means) || !slices.Equal(s.Whitening, want.Whitening) {
		t.Errorf("read %+v", got)
	}
	f, err := weights.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewClassifier(ResNet10Small, 5, rng.New(2)).SetBody(f); err != nil {
		t.Errorf("as weights of a body: %v", err)
	}
	f.Arrays = slices.DeleteFunc(f.Arrays, func(a weights.Array) bool { return a.Name == "strangeness.means" })
	if _, _, err := FromFile(f); err == nil || !strings.Contains(err.Error(), "no array strangeness.means") {
		t.Errorf("%v of a file without the means", err)
	}
	for name, change := range map[string]func(i *Info){
		"other features": func(i *Info) { i.Strangeness = strange(7) },
		"another number": func(i *Info) {
			i.Strangeness.Classes, i.Strangeness.Means = 1, i.Strangeness.Means[:ResNet10Small.Features]
		},
		"a negative limit":       func(i *Info) { i.Strangeness.Limit = -1 },
		"several labels":         func(i *Info) { i.Task = task.MultiLabel.Name() },
		"a class called unknown": func(i *Info) { i.Vocab = []string{"a", "unknown"} },
	} {
		i := info
		i.Strangeness = strange(ResNet10Small.Features)
		change(&i)
		if _, err := File(c, i); err == nil {
			t.Errorf("%s: a model is written", name)
		}
	}
}
