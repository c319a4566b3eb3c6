package vision

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestPreprocessText compares the JSON of model files: of all versions so far,
// and what is written.
func TestPreprocessText(t *testing.T) {
	full := Preprocess{Presize: 460, Method: Squish, Size: 224, Stats: CIFARStats, RawEXIF: true}
	for name, tc := range map[string]struct {
		text string
		want Preprocess
	}{
		"all fields": {`{"presize":460,"method":"squish","size":224,"mean":[0.491,0.482,0.447],"std":[0.247,0.243,0.261],"ignore_exif":true}`, full},
		"no method":  {`{"presize":0,"method":"","size":32,"mean":[0,0,0],"std":[1,1,1],"ignore_exif":false}`, Preprocess{Size: 32, Stats: NoStats}},
		"bicubic":    {`{"interpolation":"bicubic","crop_pct":0.95}`, Preprocess{Interpolation: Bicubic, CropPct: 0.95}},
	} {
		var p Preprocess
		if err := json.Unmarshal([]byte(tc.text), &p); err != nil || p != tc.want {
			t.Errorf("%s: read %+v, %v; want %+v", name, p, err, tc.want)
		}
	}
	want := `{"presize":460,"method":"squish","size":224,"mean":[0.491,0.482,0.447],"std":[0.247,0.243,0.261],"ignore_exif":true}`
	if b, err := json.Marshal(full); err != nil || string(b) != want {
		t.Errorf("written %s, %v; want %s", b, err, want)
	}
	if _, err := json.Marshal(Preprocess{Method: 9}); err == nil || !strings.Contains(err.Error(), "crop, pad or squish") {
		t.Errorf("writing an unknown method: error %v", err)
	}
}

func TestPreprocessCheck(t *testing.T) {
	for want, change := range map[string]func(*Preprocess){
		"Preprocess.Presize is -1":     func(p *Preprocess) { p.Presize = -1 },
		"Preprocess.Size is 0":         func(p *Preprocess) { p.Size = 0 },
		"Preprocess.Size is 16385":     func(p *Preprocess) { p.Size = 16385 },
		"Preprocess.Method is":         func(p *Preprocess) { p.Method = -1 },
		"Preprocess.Interpolation is":  func(p *Preprocess) { p.Interpolation = 9 },
		"Preprocess.CropPct is 1.5":    func(p *Preprocess) { p.CropPct = 1.5 },
		"Preprocess.CropPct is -1":     func(p *Preprocess) { p.CropPct = -1 },
		"Preprocess.CropPct is NaN":    func(p *Preprocess) { p.CropPct = math.NaN() },
		"scaled to 32000000000 pixels": func(p *Preprocess) { p.CropPct = 1e-9 },
		"Crop or Squish where CropPct": func(p *Preprocess) { p.CropPct, p.Method = 0.9, Pad },
		"must be positive":             func(p *Preprocess) { p.Std[1] = 0 },
	} {
		p := Preprocess{Presize: 40, Size: 32, Stats: ImageNetStats}
		change(&p)
		if _, _, err := p.Transforms(AugTransforms{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestPreprocessTransforms(t *testing.T) {
	p := Preprocess{Presize: 40, Method: Pad, Size: 32, Stats: CIFARStats}
	item, batch, err := p.Transforms(AugTransforms{Size: 99, MinScale: 0.5})
	want := AugTransforms{Size: 32, MinScale: 0.5, Stats: CIFARStats}
	if err != nil || item != (Resizer{Width: 40, Height: 40, Method: Pad}) || batch != want {
		t.Errorf("item %v, batch %v, %v", item, batch, err)
	}
	p.Presize = 0
	if item, _, err := p.Transforms(NoAugmentation()); err != nil || item != nil {
		t.Errorf("without a first resizing: item %v, %v; want none", item, err)
	}
	p.CropPct, p.Method = 1, Squish
	if item, _, err := p.Transforms(NoAugmentation()); err != nil || item != (CenterCrop{Short: 32, Size: 32, Squash: true}) {
		t.Errorf("with a crop share of 1: item %v, %v", item, err)
	}
}
