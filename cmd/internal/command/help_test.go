package command

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"testing"
)

// writeColor writes a 48×48 JPEG, blue for kind 0 and red for 1, with a patch
// that depends on i.
func writeColor(t *testing.T, path string, kind, i int) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 48, 48))
	for y := range 48 {
		for x := range 48 {
			c := color.RGBA{R: 40, G: uint8(90 + (x*(i+1)+y)%60), B: 40, A: 255}
			if kind == 0 {
				c.B = 210
			} else {
				c.R = 210
			}
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
