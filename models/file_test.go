package models

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/hostile"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// goodFile is a model of two classes.
func goodFile(t testing.TB) *weights.File {
	t.Helper()
	a, err := ByName("resnet10_small")
	if err != nil {
		t.Fatal(err)
	}
	info := Info{Vocab: []string{"cat", "dog"}, Preprocess: preprocess.Config{Presize: 40, Method: preprocess.Crop, Size: 32, Stats: preprocess.ImageNetStats}}
	f, err := File(NewClassifier(a, 2, rng.New(1)), info)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestHostileModels has descriptions that do not fit their weights: each gives
// a clear error, and room only for the network and not for what is claimed.
func TestHostileModels(t *testing.T) {
	good := goodFile(t)
	meta := good.Metadata[infoKey]
	many := `"vocabulary":[` + strings.Repeat(`"",`, 2_000_000) + `""]`
	for _, c := range []struct {
		name, meta string
		head       []int // shape of the last layer, without values; nil: the good one
		want       string
	}{
		{"no JSON", "{", nil, "JSON"},
		{"a later format", strings.Replace(meta, `"format":1`, fmt.Sprintf(`"format":%d`, newestFormat+1), 1), nil, fmt.Sprintf("format %d, this version reads 1 to %d", newestFormat+1, newestFormat)},
		{"negative format", strings.Replace(meta, `"format":1`, `"format":-1`, 1), nil, "format -1"},
		{"no format", strings.Replace(meta, `"format":1`, `"for":1`, 1), nil, "format 0"},
		{"dropout of 2", strings.Replace(meta, `"format":1`, `"format":2,"head_dropout":2`, 1), nil, "head_dropout is 2; want a probability"},
		{"unknown architecture", strings.Replace(meta, "resnet10_small", "../../resnet", 1), nil, "../../resnet"},
		{"another architecture", strings.Replace(meta, "resnet10_small", "resnet152", 1), nil, "want [512 4096] for the 2048 features of resnet152"},
		{"no classes", strings.Replace(meta, `["cat","dog"]`, `[]`, 1), nil, "0 classes"},
		{"a class more", strings.Replace(meta, `["cat","dog"]`, `["cat","dog","cow"]`, 1), nil, "3 classes"},
		{"million classes", strings.Replace(meta, `"vocabulary":["cat","dog"]`, many, 1), nil, "2000001 classes"},
		{"million classes of no weights", strings.Replace(meta, `"vocabulary":["cat","dog"]`, many, 1), []int{2_000_001, 0}, "shape [2000001 0]"},
		{"wide head of no weights", meta + " ", []int{2, 1 << 30}, "shape [2 1073741824] and 0 values"},
		{"size 0", strings.Replace(meta, `"size":32`, `"size":0`, 1), nil, "pixels"},
		{"negative size", strings.Replace(meta, `"size":32`, `"size":-5`, 1), nil, "pixels"},
		{"size of 2^40", strings.Replace(meta, `"size":32`, `"size":1099511627776`, 1), nil, "pixels"},
		{"size beyond 64 bits", strings.Replace(meta, `"size":32`, `"size":1e30`, 1), nil, "cannot unmarshal"},
		{"presize of 2^20", strings.Replace(meta, `"presize":40`, `"presize":1048576`, 1), nil, "pixels"},
		{"unknown method", strings.Replace(meta, `"method":"crop"`, `"method":"stretch"`, 1), nil, "crop, pad or squish"},
		{"unknown interpolation", strings.Replace(meta, `"method":"crop"`, `"interpolation":"lanczos"`, 1), nil, "bilinear or bicubic"},
		{"crop share", strings.Replace(meta, `"method":"crop"`, `"crop_pct":1.5`, 1), nil, "CropPct is 1.5"},
		{"deviation 0", strings.Replace(meta, fmt.Sprint(preprocess.ImageNetStats.Std[0]), "0", 1), nil, "must be positive"},
		{"deviation beyond float32", strings.Replace(meta, fmt.Sprint(preprocess.ImageNetStats.Std[0]), "1e99", 1), nil, "cannot unmarshal"},
		{"deep JSON", strings.Repeat(`{"a":`, 1_000_000), nil, "exceeded max depth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.meta == meta {
				t.Fatal("the description was not changed")
			}
			f := *good
			f.Metadata = maps.Clone(good.Metadata)
			f.Metadata[infoKey] = c.meta
			if c.head != nil {
				f.Arrays = append([]weights.Array(nil), good.Arrays...)
				for i := range f.Arrays {
					if f.Arrays[i].Name == "head.8.weight" {
						f.Arrays[i] = weights.Array{Name: "head.8.weight", Shape: c.head}
					}
				}
			}
			var err error
			took, memory := hostile.Cost(func() { _, _, err = FromFile(&f) })
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 2000 {
				t.Errorf("error %.500v does not say %q", err, c.want)
			}
			if took > 20*time.Second {
				t.Errorf("it took %v of processor time", took)
			}
			// The largest architecture has 60 million parameters, and its
			// description is in JSON.
			if memory > 700<<20 {
				t.Errorf("%d MiB allocated", memory>>20)
			}
		})
	}
}

// FuzzFromFile gives a model's weights any description: an error, or a
// classifier that fits it.
func FuzzFromFile(f *testing.F) {
	good := goodFile(f)
	meta := good.Metadata[infoKey]
	f.Add(meta)
	f.Add(strings.Replace(meta, `"training"`, `"x"`, 1))
	f.Add(`{"format":1,"architecture":"resnet10_small","vocabulary":["a","b"],"preprocess":{"size":1,"std":[1,1,1],"mean":[3e38,-3e38,0]}}`)
	f.Fuzz(func(t *testing.T, meta string) {
		g := *good
		g.Metadata = map[string]string{infoKey: meta}
		c, info, err := FromFile(&g)
		if err != nil {
			return
		}
		if c.Classes != len(info.Vocab) || info.Preprocess.Size < 1 {
			t.Fatalf("%d classes, description %+v", c.Classes, info)
		}
		for _, s := range info.Preprocess.Std {
			if !(s > 0) || math.IsInf(float64(s), 0) {
				t.Fatalf("standard deviation %v", s)
			}
		}
	})
}

// TestSmallInput: a description whose input is too small for its network is refused
// when it is read, not when the first picture comes.
func TestSmallInput(t *testing.T) {
	for _, a := range []*Architecture{SqueezeNet1_0, SqueezeNet1_1} {
		for size := a.MinSize - 1; size <= a.MinSize; size++ {
			f, err := File(NewClassifier(a, 2, rng.New(1)), Info{Vocab: []string{"cat", "dog"}, Preprocess: preprocess.Config{Size: size, Stats: preprocess.ImageNetStats}})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = FromFile(f)
			if want := fmt.Sprintf("input of %d pixels, and %s needs %d", size, a.Name, a.MinSize); size < a.MinSize && (err == nil || !strings.Contains(err.Error(), want)) || size == a.MinSize && err != nil {
				t.Errorf("%s with an input of %d pixels: error %v", a.Name, size, err)
			}
		}
	}
}
