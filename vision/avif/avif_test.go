package avif

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/whippet-ml/whippet/internal/heif"
	"github.com/whippet-ml/whippet/vision"
)

// read returns a picture of testdata.
func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDecodeNearPillow compares with the pixels that Pillow gives, upright; docs/pictures.md says the same.
func TestDecodeNearPillow(t *testing.T) {
	files, err := filepath.Glob("testdata/*.avif")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d pictures, %v", len(files), err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			got, err := vision.DecodeBytes(read(t, name), vision.DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := png.Decode(bytes.NewReader(read(t, name+".want.png")))
			if err != nil {
				t.Fatal(err)
			}
			if m.Bounds() != image.Rect(0, 0, got.Width, got.Height) {
				t.Fatalf("%d×%d, Pillow's are %v", got.Width, got.Height, m.Bounds())
			}
			differ, most, all := 0, 0, 0
			for y := range got.Height {
				for x := range got.Width {
					r, g, b, _ := m.At(x, y).RGBA()
					for c, w := range []uint32{r, g, b} {
						d := int(got.Pix[3*(y*got.Width+x)+c]) - int(w>>8)
						if d = max(d, -d); d > 0 {
							differ++
							all += d
							most = max(most, d)
						}
					}
				}
			}
			if limit := tolerance[name]; most > limit || 3*got.Width*got.Height < all {
				t.Errorf("%d of %d samples differ, by %d at most and %d together; want %d at most, and less than 1 on average",
					differ, 3*got.Width*got.Height, most, all, limit)
			}
		})
	}
}

// tolerance is by how much samples differ from Pillow's at most, where they do: where chroma has half the
// resolution or samples have more than 8 bits.
var tolerance = map[string]int{
	"420_1x1.avif": 1, "420_65x33.avif": 7, "420_150x107.avif": 2, "422.avif": 9, "video_range.avif": 7, "alpha.avif": 8, "two.avif": 2, "grid.avif": 2,
	"orientation_2.avif": 5, "orientation_3.avif": 5, "orientation_4.avif": 5, "orientation_5.avif": 5, "orientation_6.avif": 5,
	"orientation_7.avif": 5, "orientation_8.avif": 5,
	"matrix_1.avif": 8, "matrix_9.avif": 11, "10_bits_420.avif": 3, "10_bits_422.avif": 3, "10_bits_444.avif": 3, "12_bits_420.avif": 3, "12_bits_422.avif": 3, "12_bits_444.avif": 3,
}

func TestIgnoreOrientation(t *testing.T) {
	b := read(t, "orientation_6.avif")
	h, err := vision.Inspect(b, vision.DecodeOptions{})
	if err != nil || h != (vision.Header{Format: vision.AVIF, Width: 33, Height: 22, Orientation: 6}) {
		t.Errorf("%+v, %v", h, err)
	}
	if m, err := vision.DecodeBytes(b, vision.DecodeOptions{IgnoreOrientation: true}); err != nil || m.Width != 33 || m.Height != 22 {
		t.Errorf("%v", err)
	}
}

// TestFilesListsAVIF checks that folders are searched for the pictures, too.
func TestFilesListsAVIF(t *testing.T) {
	items, err := vision.Files{}.List(t.Context(), "testdata")
	n := 0
	for _, i := range items {
		if strings.HasSuffix(i.Path, ".avif") {
			n++
		}
	}
	if err != nil || n < 15 {
		t.Errorf("%d AVIF pictures, %v", n, err)
	}
}

// TestHostile gives files whose parts lie.
func TestHostile(t *testing.T) {
	good := read(t, "444.avif")
	edit := func(old, new string) []byte {
		t.Helper()
		if bytes.Count(good, []byte(old)) != 1 {
			t.Fatalf("%q is there %d times", old, bytes.Count(good, []byte(old)))
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	const size = "ispe\x00\x00\x00\x00\x00\x00\x00\x41\x00\x00\x00\x2b"
	for _, c := range []struct {
		name string
		b    []byte
		want error
		text string
	}{
		{"empty", nil, vision.ErrUnknownFormat, "empty"},
		{"brand only", good[:32], nil, "damaged AVIF"},
		{"cut in the data", good[:len(good)-10], nil, "ends too early"},
		{"declared larger", edit(size, "ispe\x00\x00\x00\x00\x00\x00\x00\x61\x00\x00\x00\x2b"), nil, "the AV1 stream is of 65×43 pixels, the container declares 97×43"},
		{"declared without pixels", edit(size, "ispe\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x2b"), nil, "0×43"},
		{"declared huge", edit(size, "ispe\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x80\x00"), vision.ErrTooLarge, "the limit is"},
		{"declared above the limit of the format", edit(size, "ispe\x00\x00\x00\x00\x00\x00\x13\x89\x00\x00\x13\x88"), vision.ErrTooLarge, "25000000"},
		{"another kind", edit("\x00\x01\x00\x00av01", "\x00\x01\x00\x00av02"), vision.ErrUnsupported, "av02"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := vision.DecodeBytes(c.b, vision.DecodeOptions{})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %q", err, c.text)
			}
		})
	}
}

// TestDamagedDataEnds changes bytes of the coded data: an error or a picture of the
// declared size, and the next picture is not disturbed.
func TestDamagedDataEnds(t *testing.T) {
	good := read(t, "420_65x33.avif")
	want, err := vision.DecodeBytes(good, vision.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(good, []byte("mdat")) + 4
	failed := 0
	for i := at; i < len(good); i += (len(good) - at) / 24 {
		b := bytes.Clone(good)
		b[i] ^= 0x55
		m, err := vision.DecodeBytes(b, vision.DecodeOptions{})
		if err != nil {
			failed++
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of many lines: %v", err)
			}
		} else if m.Width != 65 || m.Height != 33 {
			t.Errorf("%d×%d", m.Width, m.Height)
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed")
	}
	m, err := vision.DecodeBytes(good, vision.DecodeOptions{})
	if err != nil || !bytes.Equal(m.Pix, want.Pix) {
		t.Errorf("after damaged pictures a good one is another, %v", err)
	}
}

// TestManyFrames repeats the frame of a stream, each of which costs as much time as a picture.
func TestManyFrames(t *testing.T) {
	good := read(t, "444.avif")
	stream := good[bytes.LastIndex(good, []byte("mdat"))+4:]
	if err := check(stream, 65, 43); err != nil {
		t.Fatal(err)
	}
	if err := check(bytes.Repeat(stream, maxFrames+1), 65, 43); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	for n := range len(stream) {
		if check(stream[:n], 65, 43) == nil {
			t.Errorf("%d of %d bytes are a stream", n, len(stream))
		}
	}
}

// TestSharedTiles gives a grid whose tiles are all the same large part of the file.
func TestSharedTiles(t *testing.T) {
	p, err := heif.Read(read(t, "grid.avif"))
	if err != nil {
		t.Fatal(err)
	}
	padding := append([]byte{15<<3 | 2, 0x80 | 16000&0x7f, 16000 >> 7}, make([]byte, 16000)...)
	p.Tiles[0].Data = append(padding, p.Tiles[0].Data...)
	b := container(p, remix{})
	if _, _, _, err := header(b); err != nil {
		t.Fatalf("before the tiles are shared: %v", err)
	}
	const head, entry = 12, 14 // bytes of iloc before the first item, and of an item
	places := b[bytes.Index(b, []byte("iloc"))+head:]
	for i := 2; i <= len(p.Tiles); i++ {
		copy(places[entry*i+6:entry*(i+1)], places[entry+6:2*entry])
	}
	if _, _, _, err := header(b); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("%v", err)
	}
}

// TestLibrary checks that the decoder is the file whose origin its folder's README tells.
func TestLibrary(t *testing.T) {
	readme, err := os.ReadFile("third_party/github.com/gen2brain/avif/README.md")
	if sum := fmt.Sprintf("%x", sha256.Sum256(library)); err != nil || !strings.Contains(string(readme), sum) {
		t.Errorf("the decoder's SHA-256 %s is not that of the README, %v", sum, err)
	}
}

// TestManyLoaders decodes in several goroutines, which take turns.
func TestManyLoaders(t *testing.T) {
	b := read(t, "444.avif")
	want, err := vision.DecodeBytes(b, vision.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if m, err := vision.DecodeBytes(b, vision.DecodeOptions{}); err != nil || !bytes.Equal(m.Pix, want.Pix) {
				t.Errorf("another picture, %v", err)
			}
		})
	}
	all.Wait()
}

// FuzzHeader looks for panics in what reads a file before the decoder does, and for files that
// this package writes for the decoder and cannot read itself.
func FuzzHeader(f *testing.F) {
	for _, name := range []string{"444.avif", "10_bits_420.avif", "grid.avif", "orientation_5.avif", "two.avif"} {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, h, turn, err := header(b)
		if err != nil {
			return
		}
		if w < 1 || h < 1 || turn < 1 || turn > 8 {
			t.Fatalf("%d×%d, orientation %d", w, h, turn)
		}
		p, err := heif.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		again, ah, _, err := header(container(p, remixed(p.Color, p.Tiles[0])))
		if err != nil || again != w || ah != h {
			t.Fatalf("%d×%d is written as %d×%d, %v", w, h, again, ah, err)
		}
	})
}
