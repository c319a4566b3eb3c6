package vision

import (
	"os"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func TestDenormalizeUndoesNormalize(t *testing.T) {
	img := noise(13, 9, 4)
	dst := tensor.New(1, 9, 13, 3)
	for _, s := range []Stats{{}, CIFARStats, NoStats} {
		if err := (Normalize{Stats: s}).Apply(dst, []*data.Image{img}, false, nil); err != nil {
			t.Fatal(err)
		}
		got, err := Denormalize(dst, 0, s)
		if err != nil {
			t.Fatal(err)
		}
		if n, worst := comparePixels(t, got, img); n != 0 {
			t.Errorf("%v: %d samples differ, by up to %d", s, n, worst)
		}
	}
}

func TestShowBatch(t *testing.T) {
	for _, c := range []struct {
		name    string
		n, h, w int
		o       ShowOptions
		wider   bool // than high
	}{
		{"nine of twelve", 12, 40, 40, ShowOptions{}, false},
		{"two", 2, 40, 30, ShowOptions{Cell: 64}, true},
		{"five in four columns", 5, 8, 8, ShowOptions{Columns: 4, Cell: 32}, true},
		{"more columns than pictures", 2, 8, 8, ShowOptions{Columns: 40, Cell: 96, Title: "two"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &data.Batch{X: tensor.New(c.n, c.h, c.w, 3), Y: make([]int, c.n)}
			b.Y[0] = 7 // beyond the vocabulary
			f, err := ShowBatch(b, []string{"a class name far too long to fit below one small picture"}, c.o)
			if err != nil {
				t.Fatal(err)
			}
			m, err := f.Image()
			if err != nil {
				t.Fatal(err)
			}
			if s := m.Bounds().Size(); (s.X > s.Y) != c.wider {
				t.Errorf("the grid is %v", s)
			}
		})
	}
	b := &data.Batch{X: tensor.New(2, 8, 8, 3)}
	if _, err := ShowBatch(b, nil, ShowOptions{}); err != nil {
		t.Errorf("a batch without labels: %v", err)
	}
}

func TestImageRoundTrip(t *testing.T) {
	img := noise(5, 7, 1)
	if n, _ := comparePixels(t, FromImage(ToImage(img)), img); n != 0 {
		t.Errorf("%d samples changed", n)
	}
}

func TestShowRefuses(t *testing.T) {
	if _, err := ShowBatch(&data.Batch{}, nil, ShowOptions{}); err == nil {
		t.Error("a batch without pictures was accepted")
	}
	if _, err := ShowBatch(&data.Batch{X: tensor.New(1, 2, 2, 3)}, nil, ShowOptions{Cell: 1e9}); err == nil {
		t.Error("an absurd size was accepted")
	}
	if _, err := Denormalize(tensor.New(2, 3), 0, Stats{}); err == nil {
		t.Error("a matrix was accepted")
	}
	if _, err := Denormalize(tensor.New(1, 2, 2, 3), 1, Stats{}); err == nil {
		t.Error("a picture beyond the batch was accepted")
	}
}

// TestShowLook writes a grid of augmented pictures to the file named by
// WHIPPET_SHOW, to be looked at; it is skipped otherwise.
func TestShowLook(t *testing.T) {
	path := os.Getenv("WHIPPET_SHOW")
	if path == "" {
		t.Skip("WHIPPET_SHOW names no file to write a grid to")
	}
	src, err := DecodeFile("testdata/decode/png_rgb.png", DecodeOptions{})
	if file := os.Getenv("WHIPPET_SHOW_PICTURE"); file != "" {
		src, err = DecodeFile(file, DecodeOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	r := rng.New(1)
	imgs := make([]*data.Image, 9)
	for i := range imgs {
		if imgs[i], err = Resize(460).Apply(src, true, r); err != nil {
			t.Fatal(err)
		}
	}
	dst := tensor.New(9, 224, 224, 3)
	if err := (AugTransforms{Size: 224, MinScale: 0.75}).Apply(dst, imgs, true, r); err != nil {
		t.Fatal(err)
	}
	m, err := ShowBatch(&data.Batch{X: dst, Y: []int{0, 1, 2, 3, 4, 5, 6, 7, 8}}, []string{"Abyssinian", "american_bulldog", "staffordshire_bull_terrier", "Ägyptische Mau", "Сибирская", "シャム猫", "a name that is much too long for its place below"}, ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
}
