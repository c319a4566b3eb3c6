package copies

import (
	"image"
	"testing"

	"golang.org/x/image/draw"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/vision"
)

func TestFingerprintOfKnownPictures(t *testing.T) {
	ramp := func(w, h int, f func(x, y int) uint8) *data.Image {
		m := data.NewImage(w, h)
		for i := range w * h {
			v := f(i%w, i/w)
			m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = v, v, v
		}
		return m
	}
	cases := []struct {
		name string
		m    *data.Image
		want uint64
	}{
		{"brighter to the right", ramp(90, 80, func(x, _ int) uint8 { return uint8(x) }), ^uint64(0)},
		{"darker to the right", ramp(90, 80, func(x, _ int) uint8 { return uint8(200 - x) }), 0},
		{"flat", ramp(90, 80, func(_, _ int) uint8 { return 77 }), 0},
		{"brighter in the upper half only", ramp(90, 80, func(x, y int) uint8 {
			if y < 40 {
				return uint8(x)
			}
			return 9
		}), 0xffffffff00000000},
		{"one pixel", ramp(1, 1, func(_, _ int) uint8 { return 255 }), 0},
		{"nothing", data.NewImage(0, 5), 0},
		{"two columns", ramp(2, 1, func(x, _ int) uint8 { return uint8(100 * x) }), 0x1010101010101010 >> 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := FingerprintOf(c.m).Hash; got != c.want {
				t.Errorf("hash %016x, want %016x", got, c.want)
			}
		})
	}
	a, b := FingerprintOf(ramp(6, 6, func(_, _ int) uint8 { return 10 })), FingerprintOf(ramp(60, 60, func(_, _ int) uint8 { return 40 }))
	if d := a.ColorDistance(&b); d != 30 {
		t.Errorf("color distance %v, want 30", d)
	}
	if n := (Fingerprint{Hash: 0xf0}).Bits(Fingerprint{Hash: 0x0f}); n != 8 {
		t.Errorf("%d bits, want 8", n)
	}
}

func drawnPicture(t *testing.T, class, index, side int) *data.Image {
	t.Helper()
	m, err := drawn.Breeds.Draw(1, class, index, 160)
	if err != nil {
		t.Fatal(err)
	}
	small := image.NewRGBA(image.Rect(0, 0, side, side*3/4+side/4))
	draw.CatmullRom.Scale(small, small.Bounds(), m, m.Bounds(), draw.Src, nil)
	return vision.FromImage(small)
}
