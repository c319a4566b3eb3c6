package preprocess

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestText compares the JSON of model files: of all versions so far,
// and what is written.
func TestText(t *testing.T) {
	full := Config{Presize: 460, Method: Squish, Size: 224, Stats: CIFARStats, RawEXIF: true}
	for name, tc := range map[string]struct {
		text string
		want Config
	}{
		"all fields": {`{"presize":460,"method":"squish","size":224,"mean":[0.491,0.482,0.447],"std":[0.247,0.243,0.261],"ignore_exif":true}`, full},
		"no method":  {`{"presize":0,"method":"","size":32,"mean":[0,0,0],"std":[1,1,1],"ignore_exif":false}`, Config{Size: 32, Stats: NoStats}},
		"pad mode":   {`{"method":"pad","pad_mode":"zeros"}`, Config{Method: Pad, PadMode: Zeros}},
		"bicubic":    {`{"interpolation":"bicubic","crop_pct":0.95}`, Config{Interpolation: Bicubic, CropPct: 0.95}},
	} {
		var p Config
		if err := json.Unmarshal([]byte(tc.text), &p); err != nil || p != tc.want {
			t.Errorf("%s: read %+v, %v; want %+v", name, p, err, tc.want)
		}
	}
	want := `{"presize":460,"method":"squish","size":224,"mean":[0.491,0.482,0.447],"std":[0.247,0.243,0.261],"ignore_exif":true}`
	if b, err := json.Marshal(full); err != nil || string(b) != want {
		t.Errorf("written %s, %v; want %s", b, err, want)
	}
	if _, err := json.Marshal(Config{Method: 9}); err == nil || !strings.Contains(err.Error(), "crop, pad or squish") {
		t.Errorf("writing an unknown method: error %v", err)
	}
}

func TestCheck(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"Config.Presize is -1":         func(p *Config) { p.Presize = -1 },
		"Config.Size is 0":             func(p *Config) { p.Size = 0 },
		"Config.Size is 16385":         func(p *Config) { p.Size = 16385 },
		"Config.Method is":             func(p *Config) { p.Method = -1 },
		"Config.PadMode is":            func(p *Config) { p.PadMode = 9 },
		"Config.Interpolation is":      func(p *Config) { p.Interpolation = 9 },
		"Config.CropPct is 1.5":        func(p *Config) { p.CropPct = 1.5 },
		"Config.CropPct is -1":         func(p *Config) { p.CropPct = -1 },
		"Config.CropPct is NaN":        func(p *Config) { p.CropPct = math.NaN() },
		"scaled to 32000000000 pixels": func(p *Config) { p.CropPct = 1e-9 },
		"Crop or Squish where CropPct": func(p *Config) { p.CropPct, p.Method = 0.9, Pad },
		"must be positive":             func(p *Config) { p.Std[1] = 0 },
	} {
		p := Config{Presize: 40, Size: 32, Stats: ImageNetStats}
		change(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
