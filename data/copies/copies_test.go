package copies

import (
	"image"
	"math"
	"testing"

	"golang.org/x/image/draw"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/vision"
)

// moved returns the picture with pixel (x, y) taken from where from says.
func moved(m *data.Image, w, h int, from func(x, y int) (int, int)) *data.Image {
	out := data.NewImage(w, h)
	for i := range w * h {
		x, y := from(i%w, i/w)
		copy(out.Pix[3*i:3*i+3], m.Pix[3*(y*m.Width+x):])
	}
	return out
}

func part(m *data.Image, x, y, w, h int) *data.Image {
	return moved(m, w, h, func(u, v int) (int, int) { return x + u, y + v })
}

func mirrored(m *data.Image) *data.Image {
	return moved(m, m.Width, m.Height, func(x, y int) (int, int) { return m.Width - 1 - x, y })
}

// quarter turns the picture clockwise.
func quarter(m *data.Image) *data.Image {
	return moved(m, m.Height, m.Width, func(x, y int) (int, int) { return y, m.Height - 1 - x })
}

func lit(m *data.Image, gain, add float64) *data.Image {
	out := data.NewImage(m.Width, m.Height)
	for i, v := range m.Pix {
		out.Pix[i] = uint8(math.Min(math.Max(gain*float64(v)+add, 0), 255))
	}
	return out
}

func scaled(m *data.Image, w, h int) *data.Image {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	src := vision.ToImage(m)
	draw.CatmullRom.Scale(out, out.Bounds(), src, src.Bounds(), draw.Src, nil)
	return vision.FromImage(out)
}

// Copies are found however they were made, in both directions, and said to be
// what they are; and no picture is taken for a copy of another.
func TestCopyOf(t *testing.T) {
	const n = 24
	var originals []*data.Image
	for i := range n {
		originals = append(originals, drawnPicture(t, i%3, i, 160))
	}
	for _, c := range []struct {
		name, want string
		of         func(m *data.Image) *data.Image
	}{
		{"itself", "", func(m *data.Image) *data.Image { return m }},
		{"a quarter of the size, another shape", "", func(m *data.Image) *data.Image { return scaled(m, 50, 37) }},
		{"darker", "", func(m *data.Image) *data.Image { return lit(m, 0.6, 0) }},
		{"lighter and paler", "", func(m *data.Image) *data.Image { return lit(m, 0.7, 60) }},
		{"mirrored", "mirrored", mirrored},
		{"turned clockwise", "turned by 90°", quarter},
		{"turned back", "turned by 90°", func(m *data.Image) *data.Image { return quarter(quarter(quarter(m))) }},
		{"on its head", "upside down", func(m *data.Image) *data.Image { return quarter(quarter(m)) }},
		{"mirrored in a lake", "mirrored top to bottom", func(m *data.Image) *data.Image { return quarter(quarter(mirrored(m))) }},
		{"all of it", "mirrored and turned by 90°", func(m *data.Image) *data.Image { return scaled(lit(quarter(mirrored(m)), 0.8, 20), 70, 90) }},
		{"without its left edge", "cropped", func(m *data.Image) *data.Image { return part(m, m.Width/10, 0, m.Width-m.Width/10, m.Height) }},
		{"a corner", "cropped", func(m *data.Image) *data.Image { return part(m, m.Width/6, 0, m.Width*5/6, m.Height*5/6) }},
		{"mirrored middle", "mirrored, cropped", func(m *data.Image) *data.Image {
			return mirrored(part(m, m.Width/14, m.Height/14, m.Width*12/14, m.Height*12/14))
		}},
	} {
		missed := 0
		for i, m := range originals {
			made := c.of(m)
			for _, p := range [2][2]*data.Image{{m, made}, {made, m}} {
				got, differ, ok := copyOf(SignatureOf(p[0], false), SignatureOf(p[1], true))
				if !ok || got.String() != c.want || got.Alike > 1.000001 || differ > nearBits {
					missed++
					t.Logf("%s: picture %d: %v, %q, alike %.3f, %d bits", c.name, i, ok, got, got.Alike, differ)
				}
			}
		}
		if missed > 2 { // one picture, in both directions
			t.Errorf("%s: %d of %d not found as %q", c.name, missed, 2*n, c.want)
		}
	}
	for i, a := range originals {
		for _, b := range originals[:i] {
			if c, _, ok := copyOf(SignatureOf(a, false), SignatureOf(b, true)); ok {
				t.Errorf("picture %d is taken for a copy of another: %+v", i, c)
			}
		}
	}
}

// Pictures without edges, without pixels, or of one pixel are nobody's copies.
func TestCopyOfPlainPictures(t *testing.T) {
	plain := data.NewImage(90, 60)
	for i := range plain.Pix {
		plain.Pix[i] = 120
	}
	for _, m := range []*data.Image{plain, data.NewImage(0, 0), part(plain, 0, 0, 1, 1)} {
		s := SignatureOf(m, true)
		if c, _, ok := copyOf(s, s); ok {
			t.Errorf("a plain picture of %d×%d is a copy of itself: %+v", m.Width, m.Height, c)
		}
	}
}

func TestTurns(t *testing.T) {
	var a thumb
	for i := range a {
		a[i] = uint8(i * 7 % 251)
	}
	for turn := range turns {
		b := a
		for range 4 { // four quarter turns, or twice mirrored and turned twice, are none
			b = b.turned(turn)
		}
		if b != a {
			t.Errorf("turn %d, four times, is not the picture again", turn)
		}
		for other := range turn {
			if a.turned(turn) == a.turned(other) {
				t.Errorf("turns %d and %d are the same", turn, other)
			}
		}
	}
	if b := a.turned(1); b[0] != a[(thumbSide-1)*thumbSide] {
		t.Error("a quarter turn clockwise does not bring the lower left corner to the upper left")
	}
	if b := a.turned(4); b[0] != a[thumbSide-1] {
		t.Error("mirroring does not bring the upper right corner to the upper left")
	}
}
