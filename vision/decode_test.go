package vision

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/internal/testkit/hostile"
)

// readWant reads expected pixels from a PNG without alpha.
func readWant(t *testing.T, path string) *data.Image {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return toRGB(m)
}

// tolerated is how far the samples of a few pictures may be off, and why.
var tolerated = map[string]int{
	"tiff_ycbcr_444.tif":    1, // Pillow's own fixed-point numbers, where libtiff reads the others
	"tiff_ycbcr_planar.tif": 1,
	"tiff_old_jpeg_444.tif": 1,  // the same, by libtiff for Pillow
	"tiff_old_jpeg.tif":     87, // libtiff repeats chroma here, where JPEG is smoothed everywhere else
	"tiff_lab.tif":          1,  // the last bit of what LittleCMS computes for Pillow
}

// TestDecodeEqualsPillow decodes one picture of every kind and compares every
// sample with Pillow's convert("RGB"); testdata/decode/make.py, formats.py, tiffs.py, heic.py and hevc.py made them.
func TestDecodeEqualsPillow(t *testing.T) {
	wants, err := filepath.Glob("testdata/decode/*.want.png")
	if err != nil || len(wants) < 50 {
		t.Fatalf("found %d pictures (%v), want at least 50", len(wants), err)
	}
	for _, w := range wants {
		path := strings.TrimSuffix(w, ".want.png")
		t.Run(filepath.Base(path), func(t *testing.T) {
			got, err := DecodeFile(path, DecodeOptions{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			if n, worst := comparePixels(t, got, readWant(t, w)); int(worst) > tolerated[filepath.Base(path)] {
				t.Errorf("%d of %d samples differ, by up to %d", n, len(got.Pix), worst)
			}
			info, err := CheckFile(path, DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if info.Width*info.Height != got.Width*got.Height {
				t.Errorf("the header says %d×%d, decoded %d×%d", info.Width, info.Height, got.Width, got.Height)
			}
		})
	}
}

// TestDecodeRealPictures compares with Pillow's pixels of real pictures: JPEG,
// and the GIF and the PNG with alpha that Oxford Pets calls .jpg.
func TestDecodeRealPictures(t *testing.T) {
	for _, f := range []string{"08_src_Abyssinian_1", "08_src_american_bulldog_103"} {
		got, err := DecodeFile(golden.Path(t, "golden", f+".jpg"), DecodeOptions{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		if n, worst := comparePixels(t, got, readWant(t, golden.Path(t, "golden", f+".png"))); n != 0 {
			t.Errorf("%s: %d of %d samples differ, by up to %d", f, n, len(got.Pix), worst)
		}
	}
}

func TestOrientationSwitchedOff(t *testing.T) {
	up, err := DecodeFile("testdata/decode/exif_6.jpg", DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := DecodeFile("testdata/decode/exif_6.jpg", DecodeOptions{IgnoreOrientation: true})
	if err != nil {
		t.Fatal(err)
	}
	if up.Width != 16 || up.Height != 24 || stored.Width != 24 || stored.Height != 16 {
		t.Errorf("upright %d×%d, stored %d×%d; want 16×24 and 24×16", up.Width, up.Height, stored.Width, stored.Height)
	}
	w, h, err := Files{}.Check(data.Item{Path: "testdata/decode/exif_6.jpg"})
	if err != nil || w != 16 || h != 24 {
		t.Errorf("Check: %d×%d, %v; want 16×24", w, h, err)
	}
}

func encodePNG(t testing.TB, m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSixteenBit: the high byte is kept. Pillow 9 does the same for color; 16-bit
// gray it cuts off at 255, which leaves such pictures white.
func TestSixteenBit(t *testing.T) {
	g := image.NewGray16(image.Rect(0, 0, 2, 1))
	g.SetGray16(0, 0, color.Gray16{Y: 0x12ff})
	g.SetGray16(1, 0, color.Gray16{Y: 0xfe01})
	c := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	c.SetNRGBA64(0, 0, color.NRGBA64{R: 0x1234, G: 0xabff, B: 0xff00, A: 0x8000})
	for _, k := range []struct {
		name string
		m    image.Image
		want []uint8
	}{
		{"gray", g, []uint8{0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe}},
		{"color with alpha", c, []uint8{0x12, 0xab, 0xff}},
	} {
		got, err := DecodeBytes(encodePNG(t, k.m), DecodeOptions{})
		if err != nil || !bytes.Equal(got.Pix, k.want) {
			t.Errorf("%s: %x, %v; want %x", k.name, got.Pix, err, k.want)
		}
	}
}

// TestGIFFrameInsideScreen: the first frame is smaller than the screen, and the
// transparent index keeps its color.
func TestGIFFrameInsideScreen(t *testing.T) {
	pal := color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{200, 100, 50, 255}, color.RGBA{9, 8, 7, 255}, color.RGBA{}}
	m := image.NewPaletted(image.Rect(1, 1, 3, 2), pal)
	m.Pix = []uint8{1, 2}
	g := &gif.GIF{Image: []*image.Paletted{m}, Delay: []int{0}, Config: image.Config{Width: 4, Height: 3, ColorModel: pal}}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	got, err := DecodeBytes(b.Bytes(), DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Width != 4 || got.Height != 3 {
		t.Fatalf("%d×%d, want the screen's 4×3", got.Width, got.Height)
	}
	if p := got.Pix[3*(4+1):][:6]; !bytes.Equal(p, []uint8{200, 100, 50, 9, 8, 7}) {
		t.Errorf("frame's pixels %v", p)
	}
}

// pngHeader is a PNG that declares a size and has nothing else.
func pngHeader(w, h uint32) []byte {
	b := encodePNGHead
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[16:], w)
	binary.BigEndian.PutUint32(b[20:], h)
	binary.BigEndian.PutUint32(b[29:], crc(b[12:29]))
	return b
}

var encodePNGHead = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x00\x00\x00\x00\x00\x08\x02\x00\x00\x00\x00\x00\x00\x00")

func crc(b []byte) uint32 {
	c := ^uint32(0)
	for _, v := range b {
		c ^= uint32(v)
		for range 8 {
			c = c>>1 ^ 0xedb88320&-(c&1)
		}
	}
	return ^c
}

// jpegHeader is a JPEG that declares a size and ends there.
func jpegHeader(sof byte, w, h uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, sof, 0, 17, 8, 0, 0, 0, 0, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0}
	binary.BigEndian.PutUint16(b[7:], h)
	binary.BigEndian.PutUint16(b[9:], w)
	return b
}

// tiffOf is a TIFF with one value for each tag and no pixels.
func tiffOf(tags map[uint16]uint16) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		b = binary.LittleEndian.AppendUint16(b, k)
		b = append(b, 3, 0, 1, 0, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(tags[k]))
	}
	return append(b, make([]byte, 30)...)
}

func TestHostilePictures(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile("testdata/decode/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	jpg := read("jpeg_420.jpg")
	for _, c := range []struct {
		name string
		b    []byte
		o    DecodeOptions
		is   error
		want string
	}{
		{"empty", nil, DecodeOptions{}, ErrUnknownFormat, "empty"},
		{"text", []byte("hello, world"), DecodeOptions{}, ErrUnknownFormat, "68 65 6c"},
		{"web page", []byte("\n <!DOCTYPE html><html>"), DecodeOptions{}, ErrUnknownFormat, "HTML"},
		{"MATLAB", []byte("MATLAB 5.0 MAT-file"), DecodeOptions{}, ErrUnknownFormat, "MATLAB"},
		{"HEIC cut", read("heic_gray.heic")[:900], DecodeOptions{}, io.ErrUnexpectedEOF, "HEIC"},
		{"HEIC cut at its start", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), DecodeOptions{}, nil, "HEIC"},
		{"HEIC pixel limit", read("heic_grid.heic"), DecodeOptions{MaxPixels: 20_000}, ErrTooLarge, "170×120"},
		{"AVIF", []byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1miaf"), DecodeOptions{}, ErrUnknownFormat, "AVIF is not read; convert it, for example with avifdec FILE FILE.png, or use a program that has the decoder: go install -tags avif"},
		{"JPEG XL", []byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), DecodeOptions{}, ErrUnknownFormat, "JPEG XL is not read; convert it, for example with djxl"},
		{"JPEG XL stream", []byte("\xff\n\x00\x00"), DecodeOptions{}, ErrUnknownFormat, "JPEG XL"},
		{"JPEG 2000", []byte("\x00\x00\x00\x0cjP  \r\n\x87\n"), DecodeOptions{}, ErrUnknownFormat, "opj_decompress"},
		{"raw of Canon", []byte("II*\x00\x10\x00\x00\x00CR\x02\x00"), DecodeOptions{}, ErrUnknownFormat, "raw picture (Canon) is not read; develop it"},
		{"raw of Canon in a container", []byte("\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom"), DecodeOptions{}, ErrUnknownFormat, "raw picture (Canon)"},
		{"DNG", tiffOf(map[uint16]uint16{254: 1, 256: 5, 257: 5, 50706: 1}), DecodeOptions{}, ErrUnknownFormat, "raw picture is not read; develop it"},
		{"preview of a raw", tiffOf(map[uint16]uint16{254: 1, 256: 5, 257: 5, 330: 8}), DecodeOptions{}, ErrUnknownFormat, "raw picture"},
		{"SVG", []byte("<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"), DecodeOptions{}, ErrUnknownFormat, "SVG is not read; it is a drawing"},
		{"PSD", []byte("8BPS\x00\x01"), DecodeOptions{}, ErrUnknownFormat, "(PSD) is not read; convert it"},
		{"PDF", []byte("%PDF-1.7"), DecodeOptions{}, ErrUnknownFormat, "PDF is not read; it holds pages"},
		{"film", []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42"), DecodeOptions{}, ErrUnknownFormat, "is a film; extract its frames"},
		{"PNG bomb", pngHeader(100000, 100000), DecodeOptions{}, ErrTooLarge, "100000×100000"},
		{"PNG of no width", pngHeader(0, 5), DecodeOptions{}, nil, "PNG"},
		{"PNG header alone", pngHeader(50, 50), DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"JPEG bomb", jpegHeader(0xc0, 65535, 65535), DecodeOptions{}, ErrTooLarge, "65535×65535"},
		{"JPEG large and empty", jpegHeader(0xc0, 9000, 9000), DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"JPEG progressive, large and empty", jpegHeader(0xc2, 9000, 9000), DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"JPEG of no height", jpegHeader(0xc0, 5, 0), DecodeOptions{}, nil, "5×0"},
		{"JPEG arithmetic, cut", read("jpeg_arithmetic.jpg")[:900], DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"JPEG arithmetic, progressive, cut", read("jpeg_arithmetic_progressive.jpg")[:900], DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"JPEG lossless", jpegHeader(0xc3, 5, 5), DecodeOptions{}, ErrUnsupported, "lossless"},
		{"TIFF in LogLuv", tiffOf(map[uint16]uint16{256: 5, 257: 5, 259: 34676, 262: 32845}), DecodeOptions{}, ErrUnsupported, "LogLuv (34676) is not supported"},
		{"TIFF of old JPEG", tiffOf(map[uint16]uint16{256: 5, 257: 5, 258: 8, 259: 6, 262: 6, 277: 3}), DecodeOptions{}, ErrUnsupported, "withdrew"},
		{"TIFF of old JPEG in CMYK", tiffOf(map[uint16]uint16{256: 5, 257: 5, 258: 8, 259: 6, 262: 5, 277: 4}), DecodeOptions{}, ErrUnsupported, "4 samples of 8 bits in CMYK"},
		{"TIFF of JPEG in planes of CMYK", tiffOf(map[uint16]uint16{256: 5, 257: 5, 258: 8, 259: 7, 262: 5, 277: 4, 284: 2}), DecodeOptions{}, ErrUnsupported, "4 samples of 8 bits in CMYK"},
		{"TIFF in YCbCr, planes of two sizes", tiffOf(map[uint16]uint16{256: 5, 257: 5, 258: 8, 262: 6, 277: 3, 284: 2}), DecodeOptions{}, ErrUnsupported, "planes of different sizes"},
		{"fax, cut", read("fax_group3_2d.tif")[:300], DecodeOptions{}, nil, "TIFF"},
		{"TIFF of 12 bits in color", tiffOf(map[uint16]uint16{256: 5, 257: 5, 258: 12, 262: 2, 277: 3}), DecodeOptions{}, ErrUnsupported, "12 bits"},
		{"TIFF without pixels", tiffOf(map[uint16]uint16{256: 5, 257: 5, 258: 8, 262: 1}), DecodeOptions{}, nil, "damaged TIFF"},
		{"pixel limit", jpg, DecodeOptions{MaxPixels: 100}, ErrTooLarge, "limit is 100"},
		{"byte limit", jpg, DecodeOptions{MaxBytes: 100}, ErrTooLarge, "limit is 100"},
		{"JPEG cut in half", jpg[:len(jpg)/2], DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"JPEG cut near its end", jpg[:len(jpg)-8], DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"progressive JPEG cut", read("jpeg_420_progressive.jpg")[:1200], DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"PNG cut", read("png_rgb.png")[:400], DecodeOptions{}, nil, "not enough pixel data"},
		{"GIF cut", read("gif_plain.gif")[:400], DecodeOptions{}, nil, "GIF"},
		{"BMP cut", read("bmp_24.bmp")[:400], DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"WebP cut", read("webp_lossy.webp")[:100], DecodeOptions{}, nil, "WebP"},
		{"DIB cut", read("dib_24.dib")[:400], DecodeOptions{}, io.ErrUnexpectedEOF, "too early"},
		{"TIFF cut", read("tiff_raw.tif")[:400], DecodeOptions{}, nil, "TIFF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeBytes(c.b, c.o)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want one that is %v and says %q", err, c.is, c.want)
			}
			_, err2 := Decode(bytes.NewReader(c.b), c.o)
			if err2 == nil {
				t.Error("Decode of a reader accepted it")
			}
		})
	}
}

// TestCorruptJPEG flips bits in the compressed data: like Pillow the decoder
// goes on, and in Strict mode it says so.
func TestCorruptJPEG(t *testing.T) {
	b, err := os.ReadFile("testdata/decode/jpeg_420.jpg")
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	start := bytes.Index(b, []byte{0xff, 0xda}) + 14
	for i := start; i < len(b)-2; i += 3 {
		c := bytes.Clone(b)
		c[i] ^= 0x55
		if c[i] == 0xff || b[i] == 0xff || c[i-1] == 0xff {
			continue
		}
		if _, err := DecodeBytes(c, DecodeOptions{}); err == nil {
			accepted++
		}
		if _, err := DecodeBytes(c, DecodeOptions{Strict: true}); err != nil {
			refused++
		}
	}
	if accepted == 0 || refused == 0 {
		t.Errorf("%d accepted, %d refused in Strict mode; want some of each", accepted, refused)
	}
	// Bytes before the end marker that belong to nothing, as in a few pictures
	// of Oxford Pets.
	c := append(bytes.Clone(b[:len(b)-2]), 1, 2, 3, 0xff, 0xd9)
	if _, err := DecodeBytes(c, DecodeOptions{}); err != nil {
		t.Errorf("extra bytes at the end: %v", err)
	}
}

func TestDecodeFileNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "broken.jpg")
	if err := os.WriteFile(path, []byte("\xff\xd8\xff\xe0 nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeFile(path, DecodeOptions{}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
	if _, err := CheckFile(path, DecodeOptions{}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
	if _, err := DecodeFile(dir, DecodeOptions{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := DecodeFile(filepath.Join(dir, "none.jpg"), DecodeOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// FuzzDecode looks for panics, for pictures whose pixels do not match their
// size, and for a header check that disagrees with decoding.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/decode/*")
	for _, p := range files {
		if strings.HasSuffix(p, ".want.png") || strings.HasSuffix(p, ".py") {
			continue
		}
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 4<<10 { // larger ones make mutations slow
			f.Add(b)
		}
	}
	f.Add(pngHeader(9, 9))
	f.Add(jpegHeader(0xc2, 9, 9))
	o := DecodeOptions{MaxPixels: 1 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m *data.Image
		var err error
		// image/png takes 4 KiB for a chunk that it passes over.
		hostile.Bounded(t, 12*o.MaxPixels+16<<20+400*len(b), func() { m, err = DecodeBytes(b, o) })
		if err != nil {
			return
		}
		if m.Width < 1 || m.Height < 1 || m.Width*m.Height > o.MaxPixels || len(m.Pix) != 3*m.Width*m.Height {
			t.Fatalf("%d×%d with %d bytes", m.Width, m.Height, len(m.Pix))
		}
		info, err := Inspect(b, o)
		if err != nil {
			t.Fatalf("decoded, but Inspect says %v", err)
		}
		if w, h := info.Width, info.Height; w*h != m.Width*m.Height {
			t.Fatalf("Inspect says %d×%d, decoded %d×%d", w, h, m.Width, m.Height)
		}
		m.Free()
	})
}
