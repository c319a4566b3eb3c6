package vision

import (
	"bytes"
	"image/png"
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
		name       string
		n, h, w    int
		o          ShowOptions
		cols, rows int
	}{
		{"nine of twelve", 12, 40, 40, ShowOptions{}, 3, 3},
		{"two", 2, 40, 30, ShowOptions{Cell: 64}, 2, 1},
		{"five in four columns", 5, 8, 8, ShowOptions{Cols: 4, Cell: 32}, 4, 2},
		{"more columns than pictures", 2, 8, 8, ShowOptions{Cols: 40, Cell: 32}, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &data.Batch{X: tensor.New(c.n, c.h, c.w, 3), Y: make([]int, c.n)}
			b.Y[0] = 7 // beyond the vocabulary
			m, err := ShowBatch(b, []string{"a class name far too long to fit below one small picture"}, c.o)
			if err != nil {
				t.Fatal(err)
			}
			cell := c.o.Cell
			if cell == 0 {
				cell = 224
			}
			if w := m.Bounds().Dx(); w < c.cols*cell || w > (c.cols+1)*cell+cell {
				t.Errorf("width %d for %d columns of %d", w, c.cols, cell)
			}
			if h := m.Bounds().Dy(); h < c.rows*cell || h > (c.rows+1)*2*cell {
				t.Errorf("height %d for %d rows of %d", h, c.rows, cell)
			}
			var buf bytes.Buffer
			if err := WritePNG(&buf, m); err != nil {
				t.Fatal(err)
			}
			if _, err := png.Decode(&buf); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestShowRefuses(t *testing.T) {
	if _, err := ShowBatch(&data.Batch{}, nil, ShowOptions{}); err == nil {
		t.Error("a batch without pictures was accepted")
	}
	if _, err := ShowGrid(nil, nil, ShowOptions{}); err == nil {
		t.Error("no pictures were accepted")
	}
	if _, err := ShowGrid([]*data.Image{noise(2, 2, 1)}, nil, ShowOptions{Cell: 1 << 20}); err == nil {
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
	m, err := ShowBatch(&data.Batch{X: dst, Y: []int{0, 1, 2, 3, 4, 5, 6, 7, 8}}, []string{"Abyssinian", "american_bulldog", "staffordshire_bull_terrier", "Ägyptische Mau", "Сибирская", "a name that is much too long for its place below"}, ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := WritePNG(f, m); err != nil {
		t.Fatal(err)
	}
}
