package jpeg

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// FuzzDecode looks for panics, for pixels that are asked for in another size
// than the header's, and for assembly that differs from plain Go.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("../../vision/testdata/decode/*.jpg")
	for _, p := range files {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(flat{w: 40, h: 8, interval: 2, levels: []int{1, 2, 3, 4, 5}}.encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		head, herr := ReadHeader(b)
		if herr == nil && head.Width*head.Height > 1<<18 {
			return
		}
		run := func(l *isa.Set) (pix []uint8, err error) {
			defer isa.Use(isa.Use(l))
			err = Decode(b, false, func(w, h int) []uint8 {
				if herr != nil || w != head.Width || h != head.Height {
					t.Fatalf("decoding %d×%d, the header says %+v, %v", w, h, head, herr)
				}
				pix = make([]uint8, 3*w*h)
				return pix
			})
			return pix, err
		}
		got, err := run(isa.Available()[0])
		want, err2 := run(isa.Generic)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("errors %v and %v", err, err2)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Fatal("assembly and plain Go differ")
		}
	})
}
