package plot

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func plain(t *testing.T, s Size) *Figure {
	t.Helper()
	f, err := Lines([]Curve{{Name: "a", Y: []float64{1, 3, 2}}}, LineOptions{Title: "Title", Size: s})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSizeAndResolution(t *testing.T) {
	for _, c := range []struct {
		name string
		size Size
		w, h int
	}{
		{"default", Size{}, 920, 600},
		{"figsize and dpi", Size{Width: 5, Height: 4, DPI: 100}, 500, 400},
		{"dpi only", Size{DPI: 72}, 460, 300},
		{"very small", Size{Width: 0.1, Height: 0.1}, 14, 14},
	} {
		f := plain(t, c.size)
		var b bytes.Buffer
		if err := f.WritePNG(&b); err != nil {
			t.Fatal(err)
		}
		cfg, err := png.DecodeConfig(&b)
		if err != nil || cfg.Width != c.w || cfg.Height != c.h {
			t.Errorf("%s: %d×%d pixels, %v, want %d×%d", c.name, cfg.Width, cfg.Height, err, c.w, c.h)
		}
	}
}

func TestTooManyPixels(t *testing.T) {
	f := plain(t, Size{Width: 300, Height: 300, DPI: 2400})
	if _, err := f.Image(); err == nil || !strings.Contains(err.Error(), "write SVG") {
		t.Errorf("720000×720000 pixels: %v", err)
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f := plain(t, Size{DPI: 72})
	for _, name := range []string{"a.png", "b.SVG"} {
		if err := f.Save(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "b.SVG"))
	if err != nil || !bytes.HasPrefix(raw, []byte("<svg ")) {
		t.Errorf("b.SVG begins %q, %v", raw[:min(len(raw), 20)], err)
	}
	for name, want := range map[string]string{"c.jpg": "use .png or .svg", "c": "use .png or .svg", "no/such/folder.png": "folder.png"} {
		if err := f.Save(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%d files are left, want a.png and b.SVG only", len(left))
	}
}

func TestSameFigureSameBytes(t *testing.T) {
	write := func() (string, string) {
		f := plain(t, Size{})
		var p, s bytes.Buffer
		if err := f.WritePNG(&p); err != nil {
			t.Fatal(err)
		}
		if err := f.WriteSVG(&s); err != nil {
			t.Fatal(err)
		}
		return p.String(), s.String()
	}
	p1, s1 := write()
	p2, s2 := write()
	if p1 != p2 || s1 != s2 {
		t.Error("two drawings of the same numbers differ")
	}
}

func TestShapesCoverTheirPixels(t *testing.T) {
	c := &canvas{}
	red := color.RGBA{200, 0, 0, 255}
	c.rect(10, 10, 20, 10, red, "")
	c.line([]xy{{5, 40}, {45, 40}}, 4, red)
	img, err := c.figure("", 50, 50, Size{DPI: 72}).Image()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		x, y int
		in   bool
	}{{10, 10, true}, {29, 19, true}, {9, 10, false}, {30, 19, false}, {10, 20, false}, {5, 38, true}, {44, 41, true}, {45, 40, false}, {20, 42, false}} {
		want := paper
		if p.in {
			want = red
		}
		if got := img.RGBAAt(p.x, p.y); got != want {
			t.Errorf("pixel (%d,%d) is %v, want %v", p.x, p.y, got, want)
		}
	}
}

func TestDashes(t *testing.T) {
	got := dashed([]xy{{0, 0}, {10, 0}, {10, 5}}, []float64{4, 3})
	want := [][]xy{{{0, 0}, {4, 0}}, {{7, 0}, {10, 0}, {10, 1}}, {{10, 4}, {10, 5}}}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if len(got[i]) < 2 || got[i][0] != want[i][0] || got[i][len(got[i])-1] != want[i][len(want[i])-1] {
			t.Errorf("dash %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestShorten(t *testing.T) {
	f := fontSpec{size: 10}
	long := "German_wirehaired_pointing_griffon_001"
	for _, w := range []float64{0, 20, 50, 80, 120, 1000} {
		s := shorten(long, f, w)
		if w >= 20 && f.width(s) > w {
			t.Errorf("at %v points: %q is %v long", w, s, f.width(s))
		}
		if w >= 50 && (!strings.HasPrefix(s, "Ge") || !strings.HasSuffix(s, "01")) {
			t.Errorf("at %v points: %q keeps neither beginning nor end", w, s)
		}
	}
	if got := shorten(long, f, 1000); got != long {
		t.Errorf("a name that fits became %q", got)
	}
}

func TestWrap(t *testing.T) {
	f := fontSpec{size: 10}
	for _, c := range []struct {
		name string
		text string
		want []string
	}{
		{"short", "pug", []string{"pug"}},
		{"empty", "", nil},
		{"spaces", "great black dog", []string{"great black", "dog"}},
		{"underscores", "great_black_hound_dog", []string{"great_black_", "hound_dog"}},
	} {
		got := wrap(c.text, f, 60, 2)
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := wrap(strings.Repeat("x", 100), f, 60, 2); len(got) != 2 || !strings.Contains(got[1], "…") {
		t.Errorf("an endless word becomes %q", got)
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"decomposed", "Cafe\u0301", "Café"},
		{"line break", "a\nb\tc", "a b c"},
		{"control", "a\x00b\x1bc", "abc"},
		{"turning text round", "a\u202eb", "ab"},
		{"broken UTF-8", "a\xffb", "a\ufffdb"},
	} {
		if got := clean(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
