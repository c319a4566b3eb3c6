package vision

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// picture makes a data.Image of a [h,w,3] array of golden values.
func picture(a golden.Array) *data.Image {
	m := &data.Image{Height: a.Shape[0], Width: a.Shape[1], Pix: make([]uint8, len(a.Data))}
	for i, v := range a.Data {
		m.Pix[i] = uint8(v)
	}
	return m
}

// comparePixels reports how many samples of got differ from want, and by how
// much at most.
func comparePixels(t *testing.T, got, want *data.Image) (differing, worst int) {
	t.Helper()
	if got.Width != want.Width || got.Height != want.Height {
		t.Fatalf("size %d×%d, want %d×%d", got.Width, got.Height, want.Width, want.Height)
	}
	for i, v := range got.Pix {
		if d := int(v) - int(want.Pix[i]); d != 0 {
			differing++
			worst = max(worst, d, -d)
		}
	}
	return differing, worst
}

// TestResizeEqualsPillow compares with fastai's Resize on Pillow 9.4, on real
// pictures: every sample is exact.
func TestResizeEqualsPillow(t *testing.T) {
	var meta struct {
		Images []struct {
			File  string
			Cases []struct {
				Key     string
				Pcts    [2]float64
				Crop    [2]int `json:"crop_size_wh"`
				TopLeft [2]int `json:"top_left_xy"`
			}
		}
		Short []int `json:"short_side_truncated_sizes_upto_4000"`
	}
	golden.JSON(t, "08_resize.json", &meta)
	arrays := golden.NPZ(t, "08_resize.npz")
	resize := Resize(460)
	for _, im := range meta.Images {
		src := picture(arrays["src."+im.File])
		for _, c := range im.Cases {
			t.Run(c.Key, func(t *testing.T) {
				if w, h := resize.cut(src.Width, src.Height); w != c.Crop[0] || h != c.Crop[1] {
					t.Errorf("cut %d×%d, want %d×%d", w, h, c.Crop[0], c.Crop[1])
				}
				got, err := resize.ApplyAt(src, c.Pcts[0], c.Pcts[1])
				if err != nil {
					t.Fatal(err)
				}
				if n, worst := comparePixels(t, got, picture(arrays[c.Key])); n != 0 {
					t.Errorf("%d of %d samples differ, by up to %d", n, len(got.Pix), worst)
				}
			})
		}
	}
	short := map[int]bool{}
	for _, s := range meta.Short {
		short[s] = true
	}
	for s := 1; s <= 4000; s++ {
		want := s
		if short[s] {
			want--
		}
		if w, h := resize.cut(s, s+100); w != want || h != want {
			t.Errorf("short side %d: cut %d×%d, want %d", s, w, h, want)
		}
	}
	for key, a := range arrays {
		var name, method string
		var size int
		if !strings.HasPrefix(key, "synthetic.") || strings.HasSuffix(key, ".src") {
			continue
		}
		parts := strings.Split(key, ".")
		name, method = parts[1], parts[3]
		if _, err := fmt.Sscanf(parts[2], "Resize%d", &size); err != nil {
			t.Fatal(err)
		}
		t.Run(key, func(t *testing.T) {
			r := Resizer{Width: size, Height: size}
			switch method {
			case "valid":
			case "squish":
				r.Method = preprocess.Squish
			case "pad_zeros":
				r.Method, r.PadMode = preprocess.Pad, preprocess.Zeros
			default:
				t.Fatalf("unknown method %s", method)
			}
			got, err := r.ApplyAt(picture(arrays["synthetic."+name+".src"]), 0.5, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			if n, worst := comparePixels(t, got, picture(a)); n != 0 {
				t.Errorf("%d of %d samples differ, by up to %d", n, len(got.Pix), worst)
			}
		})
	}
}

func TestResizeDrawsOnlyInTraining(t *testing.T) {
	img := noise(50, 30, 1)
	resize := Resize(16)
	r := rng.New(1)
	before := *r
	if _, err := resize.Apply(img, false, r); err != nil {
		t.Fatal(err)
	}
	if *r != before {
		t.Error("validation drew random numbers")
	}
	a, _ := resize.Apply(img, true, rng.New(1))
	b, _ := resize.Apply(img, true, rng.New(1))
	c, _ := resize.Apply(img, true, rng.New(7))
	if n, _ := comparePixels(t, a, b); n != 0 {
		t.Error("the same stream gave two different crops")
	}
	if n, _ := comparePixels(t, a, c); n == 0 {
		t.Error("different streams gave the same crop")
	}
}

// noise is a picture of pseudo-random pixels.
func noise(w, h int, seed uint64) *data.Image {
	m := &data.Image{Width: w, Height: h, Pix: make([]uint8, 3*w*h)}
	r := rng.New(seed)
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint64())
	}
	return m
}

func TestResizeRefuses(t *testing.T) {
	ok := noise(4, 3, 1)
	for _, c := range []struct {
		name string
		r    Resizer
		img  *data.Image
		want string
	}{
		{"no size", Resizer{}, ok, "each side must be 1 to"},
		{"negative", Resize(-3), ok, "each side must be 1 to"},
		{"huge", Resize(1 << 20), ok, "each side must be 1 to"},
		{"method", Resizer{Width: 2, Height: 2, Method: 9}, ok, "unknown method"},
		{"pixels missing", Resize(2), &data.Image{Width: 4, Height: 3, Pix: make([]uint8, 5)}, "5 bytes of pixels"},
		{"no pixels", Resize(2), &data.Image{}, "0×0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.r.Apply(c.img, false, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestResizeAllShapes runs every method over odd sizes: none may panic, and a
// picture of one color keeps it, unless it is padded with black.
func TestResizeAllShapes(t *testing.T) {
	sizes := []int{1, 2, 3, 7, 64, 301}
	for _, w := range sizes {
		for _, h := range sizes {
			img := &data.Image{Width: w, Height: h, Pix: make([]uint8, 3*w*h)}
			for i := range img.Pix {
				img.Pix[i] = 255
			}
			for _, m := range []preprocess.ResizeMethod{preprocess.Crop, preprocess.Pad, preprocess.Squish} {
				for _, p := range []preprocess.PadMode{preprocess.Reflection, preprocess.Border, preprocess.Zeros} {
					for _, size := range [][2]int{{1, 1}, {5, 3}, {64, 64}} {
						r := Resizer{Width: size[0], Height: size[1], Method: m, PadMode: p}
						got, err := r.Apply(img, true, rng.New(uint64(w*h)))
						if err != nil {
							t.Fatalf("%s of %d×%d: %v", r, w, h, err)
						}
						if got.Width != size[0] || got.Height != size[1] {
							t.Fatalf("%s of %d×%d: got %d×%d", r, w, h, got.Width, got.Height)
						}
						for _, v := range got.Pix {
							if v != 255 && !(m == preprocess.Pad && p == preprocess.Zeros) {
								t.Fatalf("%s of %d×%d: white became %d", r, w, h, v)
							}
						}
						got.Free()
					}
				}
			}
		}
	}
}

func BenchmarkResize460(b *testing.B) {
	for _, s := range [][2]int{{500, 375}, {1024, 768}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			img := noise(s[0], s[1], 1)
			r := rng.New(1)
			for b.Loop() {
				out, err := Resize(460).Apply(img, true, r)
				if err != nil {
					b.Fatal(err)
				}
				out.Free()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// TestResizeSameWithEverySet: the assembly's pixels are those of plain Go.
func TestResizeSameWithEverySet(t *testing.T) {
	if isa.Available()[0] == isa.Generic {
		t.Skip("this build has no assembly")
	}
	for _, s := range [][2]int{{1, 1}, {3, 2}, {17, 301}, {500, 375}, {640, 481}} {
		img := noise(s[0], s[1], 3)
		for _, size := range []int{1, 2, 15, 64, 461} {
			run := func(l *isa.Set) *data.Image {
				defer isa.Use(isa.Use(l))
				out, err := Resize(size).Apply(img, true, rng.New(4))
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			if n, worst := comparePixels(t, run(isa.Available()[0]), run(isa.Generic)); n != 0 {
				t.Errorf("%v to %d: %d samples differ, by up to %d", s, size, n, worst)
			}
		}
	}
}

// TestPadOfThinPicture: padding must not turn a few pixels into gigabytes.
func TestPadOfThinPicture(t *testing.T) {
	img := data.NewImage(200_000, 1)
	defer img.Free()
	_, err := Resizer{Width: 64, Height: 64, Method: preprocess.Pad}.ApplyAt(img, 0.5, 0.5)
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("padding 200000×1 to a square gave %v, want ErrTooLarge", err)
	}
}
