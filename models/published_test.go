package models

import (
	"testing"

	"github.com/whippet-ml/whippet/preprocess"
)

// TestPublishedPreprocessing compares with torchvision's tables: weights of 2016
// to 2019 are measured with a short side of 256 pixels, those of 2021 with 232,
// the middle 224 of which go in; EfficientNets have sizes and filters of their own.
func TestPublishedPreprocessing(t *testing.T) {
	type way struct {
		size, short int
		filter      preprocess.Interpolation
	}
	usual := map[string]way{"IMAGENET1K_V1": {224, 256, preprocess.Bilinear}, "IMAGENET1K_V2": {224, 232, preprocess.Bilinear}}
	own := map[string]way{
		"convnext_tiny IMAGENET1K_V1":     {224, 236, preprocess.Bilinear},
		"convnext_small IMAGENET1K_V1":    {224, 230, preprocess.Bilinear},
		"convnext_base IMAGENET1K_V1":     {224, 232, preprocess.Bilinear},
		"efficientnet_b0 IMAGENET1K_V1":   {224, 256, preprocess.Bicubic},
		"efficientnet_b1 IMAGENET1K_V1":   {240, 256, preprocess.Bicubic},
		"efficientnet_b1 IMAGENET1K_V2":   {240, 255, preprocess.Bilinear},
		"efficientnet_b2 IMAGENET1K_V1":   {288, 288, preprocess.Bicubic},
		"efficientnet_b3 IMAGENET1K_V1":   {300, 320, preprocess.Bicubic},
		"efficientnet_b4 IMAGENET1K_V1":   {380, 384, preprocess.Bicubic},
		"efficientnet_v2_s IMAGENET1K_V1": {384, 384, preprocess.Bilinear},
		// Published in 2022 and 2023, but first.
		"resnext101_64x4d IMAGENET1K_V1":   {224, 232, preprocess.Bilinear},
		"shufflenet_v2_x1_5 IMAGENET1K_V1": {224, 232, preprocess.Bilinear},
		"shufflenet_v2_x2_0 IMAGENET1K_V1": {224, 232, preprocess.Bilinear},
	}
	found := 0
	for _, name := range Names() {
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range a.Weights {
			p := w.Preprocess
			if err := p.Check(); err != nil || p.CropPct == 0 || (w.URL == "") == (w.Hub == "") {
				t.Errorf("%s %s: %+v, %v", name, w.Name, w, err)
			}
			if w.Hub != "" {
				continue
			}
			found++
			want, ok := own[name+" "+w.Name]
			if !ok {
				want = usual[w.Name]
			}
			if err := p.Check(); err != nil || (way{p.Size, p.Short(), p.Interpolation}) != want {
				t.Errorf("%s %s: %d of %d pixels by filter %v, want %v; %v", name, w.Name, p.Size, p.Short(), p.Interpolation, want, err)
			}
			if p.Presize != 0 || p.Stats != a.Stats() {
				t.Errorf("%s %s: presize %d, statistics %v", name, w.Name, p.Presize, p.Stats)
			}
		}
	}
	if found == 0 {
		t.Error("no published weights")
	}
}
