package heif

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestPlace follows the corners of a picture of 5×3 through transforms.
func TestPlace(t *testing.T) {
	turn := func(n int) Transform { return Transform{Turns: n} }
	for _, c := range []struct {
		name       string
		transforms []Transform
		w, h       int
		corner     [2]int // where (0, 0) comes
		right      [2]int // where (4, 0) comes
	}{
		{"none", nil, 5, 3, [2]int{0, 0}, [2]int{4, 0}},
		{"a quarter turn counter-clockwise", []Transform{turn(1)}, 3, 5, [2]int{0, 4}, [2]int{0, 0}},
		{"half a turn", []Transform{turn(2)}, 5, 3, [2]int{4, 2}, [2]int{0, 2}},
		{"a quarter turn clockwise", []Transform{turn(3)}, 3, 5, [2]int{2, 0}, [2]int{2, 4}},
		{"left and right", []Transform{{Mirror: true}}, 5, 3, [2]int{4, 0}, [2]int{0, 0}},
		{"top and bottom", []Transform{{Mirror: true, Vertical: true}}, 5, 3, [2]int{0, 2}, [2]int{4, 2}},
		{"turned, then left and right", []Transform{turn(1), {Mirror: true}}, 3, 5, [2]int{2, 4}, [2]int{2, 0}},
		{"cut, then turned", []Transform{{Left: 1, Width: 4, Height: 3}, turn(1)}, 3, 4, [2]int{0, 4}, [2]int{0, 0}},
		{"turned four times", []Transform{turn(1), turn(1), turn(1), turn(1)}, 5, 3, [2]int{0, 0}, [2]int{4, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := (&Picture{Width: 5, Height: 3, Transforms: c.transforms}).Place()
			at := func(x, y int) [2]int { return [2]int{m.XX*x + m.XY*y + m.X, m.YX*x + m.YY*y + m.Y} }
			if m.Width != c.w || m.Height != c.h || at(0, 0) != c.corner || at(4, 0) != c.right {
				t.Errorf("%d×%d, (0, 0) to %v, (4, 0) to %v; want %d×%d, %v, %v", m.Width, m.Height, at(0, 0), at(4, 0), c.w, c.h, c.corner, c.right)
			}
		})
	}
}

func TestReadGrid(t *testing.T) {
	b, err := os.ReadFile("../../vision/testdata/decode/heic_grid_turned.heic")
	if err != nil {
		t.Fatal(err)
	}
	if brands := Brands(b); !slices.Equal(brands, []string{"heic", "mif1", "heic"}) {
		t.Errorf("brands %q", brands)
	}
	p, err := Read(b)
	if err != nil {
		t.Fatal(err)
	}
	if p.Codec != HEVC || p.Width != 170 || p.Height != 120 || p.Columns != 3 || p.Rows != 2 || p.TileWidth != 64 || p.TileHeight != 64 || len(p.Tiles) != 6 {
		t.Errorf("%s, %d×%d of %d×%d tiles of %d×%d, %d in all", p.Codec, p.Width, p.Height, p.Columns, p.Rows, p.TileWidth, p.TileHeight, len(p.Tiles))
	}
	if p.Color == nil || *p.Color != (Color{1, 6, true}) {
		t.Errorf("color %v", p.Color)
	}
	if !slices.Equal(p.Transforms, []Transform{{Turns: 3}}) {
		t.Errorf("transforms %v", p.Transforms)
	}
}

// FuzzRead looks for panics, and for pictures that are not what their parts add up to.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("../../vision/testdata/decode/*.heic")
	others, _ := filepath.Glob("../../vision/avif/testdata/*.avif")
	for _, p := range append(files, others...) {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 8<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Brands(b)
		p, err := Read(b)
		if err != nil {
			return
		}
		at := p.Place()
		if at.Width < 1 || at.Height < 1 || len(p.Tiles) != p.Columns*p.Rows || p.Columns*p.TileWidth < p.Width || p.Rows*p.TileHeight < p.Height {
			t.Fatalf("%d×%d of %d×%d tiles of %d×%d, %d in all, turned to %d×%d", p.Width, p.Height, p.Columns, p.Rows, p.TileWidth, p.TileHeight, len(p.Tiles), at.Width, at.Height)
		}
	})
}
