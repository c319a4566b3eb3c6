package tiff

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode looks for panics, and for pixels that are asked for in another size
// than the directory's.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("../../vision/testdata/decode/*.tif")
	for _, p := range files {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 8<<10 { // larger ones make mutations slow
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, h, err := Size(b)
		if err == nil && w*h > 1<<18 {
			return
		}
		Orientation(b)
		decoded := Decode(b, func(dw, dh int) []uint8 {
			if err != nil || dw != w || dh != h {
				t.Fatalf("decoding %d×%d, the directory says %d×%d, %v", dw, dh, w, h, err)
			}
			return make([]uint8, 3*w*h)
		})
		if err != nil && decoded == nil {
			t.Fatalf("decoded, but the size is %v", err)
		}
	})
}
