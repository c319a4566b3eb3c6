package vision

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Pictures made to cost time or memory out of proportion to their size.

// segment is a JPEG marker segment.
func segment(marker byte, content ...byte) []byte {
	return append([]byte{0xff, marker, byte((len(content) + 2) >> 8), byte(len(content) + 2)}, content...)
}

// scansJPEG is a picture of w×h with these scans of its only component, each a
// header of ss, se and ah<<4|al followed by data bytes of the same value.
func scansJPEG(sof byte, w, h int, data byte, bytesEach int, scans ...[3]byte) []byte {
	b := []byte{0xff, 0xd8}
	b = append(b, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, segment(sof, 8, byte(h>>8), byte(h), byte(w>>8), byte(w), 1, 1, 0x11, 0)...)
	// Two codes of one bit each table: DC sizes 0 and 1; AC 0xe0 (a run of
	// blocks without more, the longest) and 0x01 (a coefficient of one bit).
	counts := append([]byte{1, 1}, make([]byte, 14)...)
	b = append(b, segment(0xc4, append(append([]byte{0x00}, counts...), 0, 1)...)...)
	b = append(b, segment(0xc4, append(append([]byte{0x10}, counts...), 0xe0, 0x01)...)...)
	for _, s := range scans {
		b = append(b, segment(0xda, 1, 1, 0x00, s[0], s[1], s[2])...)
		b = append(b, bytes.Repeat([]byte{data}, bytesEach)...)
	}
	return append(b, 0xff, 0xd9)
}

// tiffOf is a little-endian TIFF of these tags, all LONG, and what follows its
// directory. Values beyond the first of a tag lie in more, from offset 1000.
func tiffOf(tags map[uint16][]uint32, data []byte) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	keys := make([]uint16, 0, len(tags))
	for k := range tags {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(keys)))
	var more []byte
	for _, k := range keys {
		v := tags[k]
		b = binary.LittleEndian.AppendUint16(b, k)
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
		if len(v) == 1 {
			b = binary.LittleEndian.AppendUint32(b, v[0])
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(tiffData+len(data)+len(more)))
		for _, x := range v {
			more = binary.LittleEndian.AppendUint32(more, x)
		}
	}
	b = append(b, make([]byte, tiffData-len(b))...)
	return append(append(b, data...), more...)
}

// tiffData is where the data of tiffOf begin.
const tiffData = 1000

func deflated(t *testing.T, n int) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tiled is a TIFF in tiles (or strips, when tw is 0) that all are the same
// deflated zeros.
func tiled(t *testing.T, w, h, tw, th uint32, n int) []byte {
	data := deflated(t, n)
	blocks := (h + th - 1) / th
	offset, count := uint16(273), uint16(279)
	tags := map[uint16][]uint32{256: {w}, 257: {h}, 258: {8}, 259: {8}, 262: {1}, 277: {1}}
	if tw > 0 {
		blocks *= (w + tw - 1) / tw
		offset, count = 324, 325
		tags[322], tags[323] = []uint32{tw}, []uint32{th}
	} else {
		tags[278] = []uint32{th}
	}
	tags[offset], tags[count] = slices.Repeat([]uint32{tiffData}, int(blocks)), slices.Repeat([]uint32{uint32(len(data))}, int(blocks))
	return tiffOf(tags, data)
}

func chunk(kind string, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	b = append(append(b, kind...), content...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// TestPictureBombs bounds what a hostile picture costs: processor time, and
// bytes allocated for a pixel and for a byte of the file.
func TestPictureBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes pictures of up to 50 megapixels")
	}
	few, err := os.ReadFile("testdata/decode/png_rgb.png")
	if err != nil {
		t.Fatal(err)
	}
	refine := slices.Repeat([][3]byte{{1, 63, 0x10}}, 199)
	refine[0] = [3]byte{1, 63, 1}
	refine = append([][3]byte{{0, 0, 0}}, refine...)
	first := slices.Repeat([][3]byte{{0, 63, 0}}, 150)
	frames := &gif.GIF{}
	for range 3000 {
		m := image.NewPaletted(image.Rect(0, 0, 64, 64), color.Palette{color.Black, color.White})
		frames.Image, frames.Delay = append(frames.Image, m), append(frames.Delay, 1)
	}
	var many bytes.Buffer
	if err := gif.EncodeAll(&many, frames); err != nil {
		t.Fatal(err)
	}
	deep := image.NewNRGBA64(image.Rect(0, 0, 5000, 3000))
	var wide bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&wide, deep); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		b      []byte
		pixels int
		want   string // part of the error; none when it may be read
	}{
		{"a JPEG refined 200 times", append(scansJPEG(0xc2, 7000, 7000, 0, 400, refine...), make([]byte, 100_000)...), 49e6, "more than 16 times"},
		{"a JPEG refined 200 times, with coefficients", scansJPEG(0xc2, 5000, 5000, 0xaa, 150_000, refine...), 25e6, "more than 16 times"},
		{"a JPEG of one component 150 times", scansJPEG(0xc0, 7000, 7000, 0, 200_000, first...), 49e6, ""},
		{"a TIFF of a million tiles", tiled(t, 8, 8_000_000, 8, 8, 64), 64e6, "tiles"},
		{"a TIFF of tiles far wider than the picture", tiled(t, 1, 4_000_000, 1024, 1024, 1<<20), 4e6, "tiles"},
		{"a TIFF of strips of one row", tiled(t, 10, 3_000_000, 0, 1, 10), 30e6, "strips"},
		{"a TIFF strip that inflates to a GiB", tiled(t, 100, 100, 0, 100, 1<<30), 1e4, ""},
		{"a PNG with 64 MiB of deflated text", slices.Concat(few[:33], chunk("zTXt", append([]byte("k\x00\x00"), deflated(t, 64<<20)...)), few[33:]), 1e4, ""},
		{"a PNG with a profile of 64 MiB", slices.Concat(few[:33], chunk("iCCP", append([]byte("k\x00\x00"), deflated(t, 64<<20)...)), few[33:]), 1e4, ""},
		{"a PNG with 256 MiB behind its pixels", slices.Concat(pngHeader(100, 100), chunk("IDAT", deflated(t, 256<<20)), chunk("IEND", nil)), 1e4, "too much pixel data"},
		// image/png takes 4 KiB for each chunk that it passes over, and keeps none.
		{"a PNG of thousands of chunks", slices.Concat(few[:33], bytes.Repeat(chunk("tEXt", []byte("k\x00v")), 3000), few[33:]), 1e4, ""},
		{"a PNG of 16 bits and alpha", wide.Bytes(), 15e6, ""},
		{"a GIF of 3000 frames", many.Bytes(), 64 * 64, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			m, err := DecodeBytes(c.b, DecodeOptions{})
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if m != nil {
				m.Free()
			}
			if (err == nil) != (c.want == "") && c.want != "" || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
			t.Logf("%d bytes, %v, %d MiB, %v", len(c.b), took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, err)
			// Generous for a busy machine.
			if limit := 15 * time.Second; took > limit {
				t.Errorf("it took %v, more than %v", took, limit)
			}
			if n, limit := after.TotalAlloc-before.TotalAlloc, uint64(12*c.pixels+2*len(c.b)+16<<20); n > limit {
				t.Errorf("%d MiB allocated, more than %d", n>>20, limit>>20)
			}
		})
	}
}
