package data

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// pngs is a Source of PNG files through the standard library, for tests that
// need pictures but not package vision.
type pngs struct{}

func (pngs) List(ctx context.Context, root string) ([]Item, error) {
	return ListFiles(ctx, root, ListOptions{Extensions: []string{".png", ".jpg"}})
}

func (pngs) Open(item Item) (*Image, error) {
	f, err := os.Open(item.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := png.Decode(f)
	if err != nil {
		return nil, err
	}
	b := src.Bounds()
	img := NewImage(b.Dx(), b.Dy())
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, bl, _ := src.At(x, y).RGBA()
			copy(img.Pix[3*(y*b.Dx()+x):], []uint8{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8)})
		}
	}
	return img, nil
}

func (pngs) Check(item Item) (int, int, error) {
	f, err := os.Open(item.Path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	c, err := png.DecodeConfig(f)
	return c.Width, c.Height, err
}

func (pngs) String() string { return "pngs" }

// noCheck is pngs without the header check.
type noCheck struct{ Source }

// crop cuts a size×size window, at a random place in training.
type crop struct{ size int }

func (c crop) Apply(img *Image, train bool, r *rng.Stream) (*Image, error) {
	if img.Width < c.size || img.Height < c.size {
		return nil, fmt.Errorf("the picture is smaller than %d", c.size)
	}
	x, y := (img.Width-c.size)/2, (img.Height-c.size)/2
	if train {
		x, y = r.IntN(img.Width-c.size+1), r.IntN(img.Height-c.size+1)
	}
	out := NewImage(c.size, c.size)
	for i := range c.size {
		copy(out.Pix[3*i*c.size:3*(i+1)*c.size], img.Pix[3*((y+i)*img.Width+x):])
	}
	return out, nil
}

func (c crop) String() string { return fmt.Sprintf("crop(%d)", c.size) }

// shade is ToFloat with one random factor a batch in training.
type shade struct{ ToFloat }

func (s shade) Apply(dst *tensor.Tensor, imgs []*Image, train bool, r *rng.Stream) error {
	if err := s.ToFloat.Apply(dst, imgs, train, r); err != nil {
		return err
	}
	if train {
		k := r.Float32()
		for i := range dst.Data {
			dst.Data[i] *= k
		}
	}
	return nil
}

func (s shade) String() string { return "shade" }

// picture is a PNG of the given size whose colors depend on seed.
func picture(w, h int, seed uint64) []byte {
	r := rng.New(seed)
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := r.Uint64()
			img.SetNRGBA(x, y, color.NRGBA{uint8(v), uint8(v >> 8), uint8(v >> 16), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// write makes files below a new folder.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// pets makes n pictures of each class, named as in the Pets set, of various
// sizes of at least 12 pixels a side.
func pets(t testing.TB, n int, classes ...string) string {
	files := map[string][]byte{}
	for c, class := range classes {
		for i := range n {
			w, h := 12+(i*7+c)%9, 12+(i*5+c)%7
			files[fmt.Sprintf("%s_%d.jpg", class, i+1)] = picture(w, h, uint64(1000*c+i))
		}
	}
	return write(t, files)
}

func petsBlock() Block {
	return Block{
		Items: pngs{}, Label: RegexLabel(`(.+)_\d+.jpg$`), Split: RandomSplit(0.2, 42),
		ItemTransforms: crop{10}, BatchTransforms: shade{}, BatchSize: 8, Seed: 7,
	}
}
