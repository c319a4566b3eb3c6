package show

import (
	"os"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/vision"
)

func TestBatch(t *testing.T) {
	for _, c := range []struct {
		name    string
		n, h, w int
		o       BatchOptions
		wider   bool // than high
	}{
		{"nine of twelve", 12, 40, 40, BatchOptions{}, false},
		{"two", 2, 40, 30, BatchOptions{Cell: 64}, true},
		{"five in four columns", 5, 8, 8, BatchOptions{Columns: 4, Cell: 32}, true},
		{"more columns than pictures", 2, 8, 8, BatchOptions{Columns: 40, Cell: 96, Title: "two"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &data.Batch{X: tensor.New(c.n, c.h, c.w, 3), Y: target.Classes(make([]int, c.n))}
			b.Y.Class[0] = 7 // beyond the vocabulary
			f, err := Batch(b, []string{"a class name far too long to fit below one small picture"}, c.o)
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
	if _, err := Batch(b, nil, BatchOptions{}); err != nil {
		t.Errorf("a batch without labels: %v", err)
	}
}

func TestBatchRefuses(t *testing.T) {
	if _, err := Batch(&data.Batch{}, nil, BatchOptions{}); err == nil {
		t.Error("a batch without pictures was accepted")
	}
	if _, err := Batch(&data.Batch{X: tensor.New(1, 2, 2, 3)}, nil, BatchOptions{Cell: 1e9}); err == nil {
		t.Error("an absurd size was accepted")
	}
}

// TestBatchLook writes a grid of augmented pictures to the file named by
// WHIPPET_SHOW, to be looked at; it is skipped otherwise.
func TestBatchLook(t *testing.T) {
	path := os.Getenv("WHIPPET_SHOW")
	if path == "" {
		t.Skip("WHIPPET_SHOW names no file to write a grid to")
	}
	src, err := vision.DecodeFile("../vision/testdata/decode/png_rgb.png", vision.DecodeOptions{})
	if file := os.Getenv("WHIPPET_SHOW_PICTURE"); file != "" {
		src, err = vision.DecodeFile(file, vision.DecodeOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	r := rng.New(1)
	imgs := make([]*data.Image, 9)
	for i := range imgs {
		if imgs[i], err = vision.Resize(460).Apply(src, true, r); err != nil {
			t.Fatal(err)
		}
	}
	dst := tensor.New(9, 224, 224, 3)
	if err := (vision.AugTransforms{Size: 224, MinScale: 0.75}).Apply(dst, imgs, true, r); err != nil {
		t.Fatal(err)
	}
	m, err := Batch(&data.Batch{X: dst, Y: target.Classes([]int{0, 1, 2, 3, 4, 5, 6, 7, 8})}, []string{"Abyssinian", "american_bulldog", "staffordshire_bull_terrier", "Ägyptische Mau", "Сибирская", "シャム猫", "a name that is much too long for its place below"}, BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
}
