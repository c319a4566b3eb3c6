package vision

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// drawn is picture() of testdata/resample/make.py.
func drawn(w, h int) *data.Image {
	m := &data.Image{Width: w, Height: h, Pix: make([]uint8, 3*w*h)}
	v := uint32(12345 + 31*w + h)
	for i := range m.Pix {
		v = v*1664525 + 1013904223
		if x := i / 3 % w; 2*x < w {
			m.Pix[i] = uint8(v >> 24)
		} else {
			m.Pix[i] = uint8(255 * (v >> 31))
		}
	}
	return m
}

// everySet runs a test with each instruction set of this processor.
func everySet(t *testing.T, f func(t *testing.T)) {
	for _, set := range isa.Available() {
		t.Run(set.String(), func(t *testing.T) {
			defer isa.Use(isa.Use(set))
			f(t)
		})
	}
}

type resampleCase struct {
	Filter  preprocess.Interpolation
	W, H    int
	ToW     int `json:"to_w"`
	ToH     int `json:"to_h"`
	Size    int
	CropPct float64 `json:"crop_pct"`
	Mode    string
	CRC     uint32
}

// TestResampleEqualsPillow compares with Pillow 13, every filter, and with timm's
// evaluation; testdata/resample/make.py made the values.
func TestResampleEqualsPillow(t *testing.T) {
	var want struct{ Resized, Cropped []resampleCase }
	b, err := os.ReadFile("testdata/resample/pillow.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil || len(want.Resized) == 0 || len(want.Cropped) == 0 {
		t.Fatal("no cases", err)
	}
	check := func(t *testing.T, c resampleCase, r data.ItemTransform) {
		t.Helper()
		got, err := r.Apply(drawn(c.W, c.H), false, nil)
		if err != nil {
			t.Errorf("%s of %d×%d: %v", r, c.W, c.H, err)
			return
		}
		defer got.Free()
		if crc := crc32.ChecksumIEEE(got.Pix); crc != c.CRC {
			t.Errorf("%s of %d×%d: checksum %d, want %d", r, c.W, c.H, crc, c.CRC)
		}
	}
	everySet(t, func(t *testing.T) {
		for _, c := range want.Resized {
			check(t, c, Resizer{Width: c.ToW, Height: c.ToH, Method: preprocess.Squish, Interpolation: c.Filter})
		}
		for _, c := range want.Cropped {
			p := preprocess.Config{Size: c.Size, CropPct: c.CropPct, Interpolation: c.Filter, Stats: preprocess.NoStats}
			if c.Mode == "squash" {
				p.Method = preprocess.Squish
			}
			r, _, err := Transforms(p, NoAugmentation())
			if err != nil {
				t.Fatal(err)
			}
			check(t, c, r)
		}
	})
}

// TestFilterSumsStayInRange: taps times samples of the worst picture stay within
// what the kernels have room for: int32, and 30 bits below zero in plain Go.
func TestFilterSumsStayInRange(t *testing.T) {
	var a axis
	for f := range filters {
		for _, in := range []int{1, 2, 3, 5, 17, 100, 333, 4000} {
			for _, out := range []int{1, 2, 3, 7, 64, 99, 101, 350} {
				a.set(filters[f], in, out, 0, out)
				for i := range out {
					sum, low, high := int64(0), int64(1<<21), int64(1<<21)
					for _, k := range a.K[i*a.Size:][:a.Count[i]] {
						sum += int64(k)
						low, high = low+255*min(int64(k), 0), high+255*max(int64(k), 0)
					}
					if low <= -1<<30 || high >= 1<<31 || sum < 1<<22-100 || sum > 1<<22+100 {
						t.Fatalf("%s, %d to %d, output %d: taps sum to %d, times samples from %d to %d", preprocess.Interpolation(f), in, out, i, sum, low, high)
					}
				}
			}
		}
	}
}

func TestCenterCropRefuses(t *testing.T) {
	for want, c := range map[string]CenterCrop{
		"1 ≤ Size ≤ Short":      {Short: 10},
		"Size ≤ Short ≤":        {Short: 10, Size: 11},
		"16384 pixels":          {Short: 1 << 15, Size: 11},
		"unknown interpolation": {Short: 2, Size: 1, Interpolation: 9},
	} {
		if _, err := c.Apply(drawn(4, 3), false, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", c, err, want)
		}
	}
	if _, err := (CenterCrop{Short: 2, Size: 1}).Apply(&data.Image{Width: 2, Height: 2}, false, nil); err == nil {
		t.Error("a picture without pixels was accepted")
	}
}

// TestCenterCropOfThinPicture: a picture whose scaled long side has a billion
// pixels costs what is cut out of it.
func TestCenterCropOfThinPicture(t *testing.T) {
	img := data.NewImage(4_000_000, 1)
	defer img.Free()
	got, err := CenterCrop{Short: 256, Size: 224, Interpolation: preprocess.Bicubic}.Apply(img, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	got.Free()
}

// TestPreprocessTrainValid: with a crop share, training pictures have the first
// size, those outside training the last, of which the batch transform changes
// nothing but the scale.
func TestPreprocessTrainValid(t *testing.T) {
	p := preprocess.Config{Presize: 40, Size: 32, CropPct: 0.875, Interpolation: preprocess.Bicubic, Stats: preprocess.CIFARStats}
	item, batch, err := Transforms(p, AugTransforms{MinScale: 0.75})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Resize(40×40, crop, bicubic) in training, else CenterCrop(32 of 36, bicubic)"; fmt.Sprint(item) != want {
		t.Errorf("item transform %q, want %q", item, want)
	}
	src := drawn(50, 60)
	training, err := item.Apply(src, true, rng.New(1))
	if err != nil || training.Width != 40 || training.Height != 40 {
		t.Fatalf("training: %+v, %v", training, err)
	}
	valid, err := item.Apply(src, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, want := tensor.New(1, 32, 32, 3), tensor.New(1, 32, 32, 3)
	if err := batch.Apply(got, []*data.Image{valid}, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := (AugTransforms{Stats: preprocess.CIFARStats}).Apply(want, []*data.Image{valid}, false, nil); err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Data {
		if v != want.Data[i] {
			t.Fatalf("value %d is %v; without a change of size %v", i, v, want.Data[i])
		}
	}
}
