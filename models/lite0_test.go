package models

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/vision"
	"github.com/whippet-ml/whippet/weights"
)

// TestPublishedWeights classifies real pictures with published weights, prepared as
// these ask for, and compares the scores with timm's: testdata/lite0.py computed them.
func TestPublishedWeights(t *testing.T) {
	file := golden.Path(t, "weights", filepath.Join("tf_efficientnet_lite0", "model.safetensors"))
	root, err := datasets.Untar(t.Context(), golden.Path(t, "data", "oxford-iiit-pet-3.tgz"), datasets.WithHome(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/lite0.json")
	if err != nil {
		t.Fatal(err)
	}
	var pictures map[string]struct {
		Classes []int
		Scores  []float64
		Norm    float64
	}
	if err := json.Unmarshal(raw, &pictures); err != nil || len(pictures) == 0 {
		t.Fatal(len(pictures), err)
	}
	a, err := ByName("tf_efficientnet_lite0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ImportOwnHead(f, a)
	if err != nil || m.Classes != 1000 {
		t.Fatal(m, err)
	}
	net := nn.Compile(m)
	half := [3]float32{0.5, 0.5, 0.5}
	p := preprocess.Config{Size: 224, CropPct: 0.875, Interpolation: preprocess.Bicubic, Stats: preprocess.Stats{Mean: half, Std: half}}
	first, batch, err := vision.Transforms(p, vision.NoAugmentation())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pictures {
		img, err := vision.DecodeFile(filepath.Join(root, "images", name), vision.DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if img, err = first.Apply(img, false, nil); err != nil {
			t.Fatal(err)
		}
		x := tensor.New(1, p.Size, p.Size, 3)
		if err := batch.Apply(x, []*data.Image{img}, false, nil); err != nil {
			t.Fatal(err)
		}
		y, err := net.Run(x)
		if err != nil {
			t.Fatal(err)
		}
		norm := 0.0
		for _, v := range y.Data {
			norm += float64(v) * float64(v)
		}
		const tol = 1e-3
		if norm = math.Sqrt(norm); math.Abs(norm-want.Norm) > tol {
			t.Errorf("%s: the scores have norm %v, want %v", name, norm, want.Norm)
		}
		for i, k := range want.Classes {
			if got := float64(y.Data[k]); math.Abs(got-want.Scores[i]) > tol {
				t.Errorf("%s: class %d has score %v, want %v", name, k, got, want.Scores[i])
			}
		}
	}
}
