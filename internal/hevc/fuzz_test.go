package hevc

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/internal/heif"
	"github.com/whippet-ml/whippet/internal/testkit/hostile"
)

// FuzzDecode looks for panics and for memory out of proportion to the limit of
// pixels, with the configurations and streams of the reference pictures.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("../../vision/testdata/decode/*.heic")
	for _, p := range files {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		m, err := heif.Read(b)
		if err != nil {
			f.Fatal(err)
		}
		if t := m.Tiles[0]; len(t.Data) < 4<<10 {
			f.Add(t.Config, t.Data)
		}
	}
	const limit = 1 << 16
	f.Fuzz(func(t *testing.T, config, data []byte) {
		hostile.Bounded(t, 20*limit+8<<20+20*(len(config)+len(data)), func() {
			d, err := NewDecoder(config, limit)
			if err != nil {
				return
			}
			for range 2 { // memory is used again
				p, err := d.Decode(data)
				if err != nil {
					return
				}
				for _, pl := range p.Planes {
					top := uint16(1)<<pl.Depth - 1
					for y := range pl.Height {
						for _, v := range pl.Pix[y*pl.Stride:][:pl.Width] {
							if v > top {
								t.Fatalf("a sample of %d with %d bits", v, pl.Depth)
							}
						}
					}
				}
			}
		})
	})
}
