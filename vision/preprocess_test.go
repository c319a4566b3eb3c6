package vision

import (
	"testing"

	"github.com/whippet-ml/whippet/preprocess"
)

func TestPreprocessTransforms(t *testing.T) {
	p := preprocess.Config{Presize: 40, Method: preprocess.Pad, Size: 32, Stats: preprocess.CIFARStats}
	item, batch, err := Transforms(p, AugTransforms{Size: 99, MinScale: 0.5})
	want := AugTransforms{Size: 32, MinScale: 0.5, Stats: preprocess.CIFARStats}
	if err != nil || item != (Resizer{Width: 40, Height: 40, Method: preprocess.Pad}) || batch != want {
		t.Errorf("item %v, batch %v, %v", item, batch, err)
	}
	p.Presize = 0
	if item, _, err := Transforms(p, NoAugmentation()); err != nil || item != nil {
		t.Errorf("without a first resizing: item %v, %v; want none", item, err)
	}
	p.CropPct, p.Method = 1, preprocess.Squish
	if item, _, err := Transforms(p, NoAugmentation()); err != nil || item != (CenterCrop{Short: 32, Size: 32, Squash: true}) {
		t.Errorf("with a crop share of 1: item %v, %v", item, err)
	}
}
