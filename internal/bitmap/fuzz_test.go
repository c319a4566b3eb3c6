package bitmap

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode looks for panics in all readers, whatever the bytes look like, and
// for pixels that are asked for in another size than the header's.
func FuzzDecode(f *testing.F) {
	for _, kind := range []string{"bmp", "ico", "p?m", "tga"} {
		files, _ := filepath.Glob("../../vision/testdata/decode/*." + kind)
		for _, p := range files {
			b, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			if len(b) < 8<<10 { // larger ones make mutations slow
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func([]byte) (*Picture, error){ReadBMP, ReadPNM, ReadTGA, ReadIcon} {
			frame := b
			if icon, err := Icon(b); err == nil && !bytes.HasPrefix(icon, []byte(PNGHead)) {
				frame = icon
			}
			p, err := read(frame)
			if err != nil || p.Width*p.Height > 1<<18 {
				continue
			}
			_ = p.Decode(func(w, h int) []uint8 {
				if w != p.Width || h != p.Height || w < 1 || h < 1 {
					t.Fatalf("decoding %d×%d, the header says %d×%d", w, h, p.Width, p.Height)
				}
				return make([]uint8, 3*w*h)
			})
		}
	})
}
