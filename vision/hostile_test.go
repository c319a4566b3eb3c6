package vision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/testkit/hostile"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestPictureBombs bounds what a hostile picture costs: processor time, and
// bytes allocated for a pixel and for a byte of the file.
func TestPictureBombs(t *testing.T) {
	slow.Test(t) // it decodes pictures of up to 50 megapixels
	for _, c := range hostile.Pictures() {
		t.Run(c.Name, func(t *testing.T) {
			pixels := 0
			if info, err := Inspect(c.Data, DecodeOptions{}); err == nil {
				pixels = info.Width * info.Height
			}
			var m *data.Image
			var err error
			took, memory := hostile.Cost(func() { m, err = DecodeBytes(c.Data, DecodeOptions{}) })
			if m != nil {
				m.Free()
			}
			if err == nil && c.Says != "" || err != nil && (c.Says == "" || !strings.Contains(err.Error(), c.Says)) {
				t.Errorf("error %v; want one that says %q", err, c.Says)
			}
			// Generous for a slow processor; the slowest takes 1 s.
			if limit := 15 * time.Second; took > limit {
				t.Errorf("it took %v of processor time, more than %v", took, limit)
			}
			if limit := uint64(12*pixels + 2*len(c.Data) + 16<<20); memory > limit {
				t.Errorf("%d MiB allocated, more than %d", memory>>20, limit>>20)
			}
		})
	}
}

// TestTruncatedPictures cuts every reference picture at up to 200 places: an
// error, or a picture of the declared size.
func TestTruncatedPictures(t *testing.T) {
	paths, err := filepath.Glob("testdata/decode/*")
	if err != nil {
		t.Fatal(err)
	}
	refused := map[Format]int{}
	for _, p := range paths {
		whole, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		info, err := Inspect(whole, DecodeOptions{})
		if err != nil || strings.HasSuffix(p, ".want.png") {
			continue
		}
		for i := range 200 {
			n := len(whole) * i / 200
			m, err := DecodeBytes(whole[:n], DecodeOptions{})
			if err != nil {
				refused[info.Format]++
				continue
			}
			if m.Width*m.Height != info.Width*info.Height {
				t.Errorf("%s cut at %d of %d: %d×%d, whole %d×%d", p, n, len(whole), m.Width, m.Height, info.Width, info.Height)
			}
			m.Free()
		}
	}
	for _, f := range []Format{JPEG, PNG, GIF, BMP, WebP, TIFF, HEIC} {
		if refused[f] < 100 {
			t.Errorf("%s: %d cuts were refused, want most", f, refused[f])
		}
	}
}
