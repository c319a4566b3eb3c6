package hostile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"slices"
	"sync"
)

// Pictures returns pictures that would cost time or memory. None takes more
// than 31 MB, and none declares more than 50 million pixels unless that is what
// it is refused for. Packing gigabytes of zeros takes seconds, so they are made
// once: nobody changes their bytes.
func Pictures() []File { return slices.Clone(pictures()) }

var pictures = sync.OnceValue(func() []File {
	refine := slices.Repeat([][3]byte{{1, 63, 0x10}}, 199)
	refine[0] = [3]byte{1, 63, 1}
	refine = append([][3]byte{{0, 0, 0}}, refine...)
	again := slices.Repeat([][3]byte{{0, 63, 0}}, 150)
	small := encode(image.NewGray(image.Rect(0, 0, 9, 9)))
	const ihdr = 33 // bytes of a PNG up to the end of its header
	return []File{
		{"empty.jpg", nil, "empty"},
		{"declares-65535.jpg", slices.Concat([]byte{0xff, 0xd8}, segment(0xc0, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0)), "65535×65535"},
		{"declares-7000.jpg", slices.Concat([]byte{0xff, 0xd8}, segment(0xc2, 8, 27, 88, 27, 88, 1, 1, 0x11, 0)), "too early"},
		{"declares-46340.png", PNG(46340, 46340), "46340×46340"},
		{"declares-2G.png", PNG(1<<31-1, 1<<31-1), "damaged"},
		{"declares-7000.png", PNG(7000, 7000), "too early"},
		{"refined-200-times.jpg", append(JPEG(0xc2, 7000, 7000, 0, 400, refine...), make([]byte, 100_000)...), "more than 16 times"},
		{"refined-with-coefficients.jpg", JPEG(0xc2, 5000, 5000, 0xaa, 150_000, refine...), "more than 16 times"},
		{"one-component-again.jpg", JPEG(0xc0, 7000, 7000, 0, 200_000, again...), ""},
		{"ten-thousand-scans.jpg", JPEG(0xc2, 8, 8, 0, 9, slices.Repeat([][3]byte{{0, 0, 0}}, 10_000)...), "scans"},
		{"million-tiles.tif", tiled(8, 6_000_000, 8, 8, 64), "tiles"},
		{"wide-tiles.tif", tiled(1, 4_000_000, 1024, 1024, 1<<20), "tiles"},
		{"strips-of-a-row.tif", tiled(10, 3_000_000, 0, 1, 10), "strips"},
		{"strip-of-a-GiB.tif", tiled(100, 100, 0, 100, 1<<30), ""},
		{"text-of-64-MiB.png", slices.Concat(small[:ihdr], chunk("zTXt", append([]byte("k\x00\x00"), zeros(64<<20)...)), small[ihdr:]), ""},
		{"profile-of-64-MiB.png", slices.Concat(small[:ihdr], chunk("iCCP", append([]byte("k\x00\x00"), zeros(64<<20)...)), small[ihdr:]), ""},
		{"pixels-of-256-MiB.png", slices.Concat(PNG(100, 100), chunk("IDAT", zeros(256<<20)), chunk("IEND", nil)), "too much pixel data"},
		{"chunk-of-2-GiB.png", slices.Concat(small[:ihdr], []byte("\x7f\xff\xff\xffzTXtk\x00\x00"), small[ihdr:]), "PNG"},
		{"chunks.png", slices.Concat(small[:ihdr], bytes.Repeat(chunk("tEXt", []byte("k\x00v")), 3000), small[ihdr:]), ""},
		{"16-bits-and-alpha.png", encode(image.NewNRGBA64(image.Rect(0, 0, 5000, 3000))), ""},
		{"one-row.png", encode(image.NewGray(image.Rect(0, 0, 10_000_000, 1))), ""},
		{"one-column.png", encode(image.NewGray(image.Rect(0, 0, 1, 10_000_000))), ""},
		{"3000-frames.gif", frames(3000), ""},
		{"declares-65535.gif", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00"), "65535×65535"},
		{"declares-2G.bmp", slices.Concat([]byte("BM\xff\xff\xff\x7f\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00"), []byte("\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\x00\x18\x00"), make([]byte, 24)), "BMP"},
		{"declares-16384.webp", []byte("RIFF\x20\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "16384×16384"},
		{"declares-16384.dib", dib(16384, 16384, 24, 0), "16384×16384"},
		{"declares-7000.dib", dib(7000, 7000, 24, 0), "too early"},
		{"runs-of-7000.dib", append(dib(7000, 7000, 8, 1), make([]byte, 1024+1<<20)...), "too early"},
		{"declares-65535.tga", tga(2, 65535, 65535), "65535×65535"},
		{"runs-of-7000.tga", append(tga(10, 7000, 7000), bytes.Repeat([]byte{0xff, 1, 2, 3}, 7000*7000/128+1)...), ""},
		{"cut-runs.tga", append(tga(10, 7000, 7000), 0xff, 1, 2, 3), "too early"},
		{"declares-99999.ppm", []byte("P6 99999 99999 255\n"), "99999×99999"},
		{"declares-7000.pgm", []byte("P5 7000 7000 65535\n"), "too early"},
		{"declares-many-digits.pbm", append([]byte("P4 "), bytes.Repeat([]byte{'9'}, 1<<20)...), "PNM"},
		{"comments-of-16-MiB.pnm", append([]byte("P2 "), bytes.Repeat([]byte("#\n"), 8<<20)...), "PNM"},
		{"declares-7000.pfm", []byte("Pf 7000 7000 -1.0\n"), "too early"},
		{"declares-256-pictures.ico", append([]byte("\x00\x00\x01\x00\xff\xff"), make([]byte, 16)...), "ICO"},
		{"picture-of-16384.ico", icon(dib(16384, 2*16384, 24, 0)), "16384×16384"},
		{"png-of-46340.ico", icon(PNG(46340, 46340)), "46340×46340"},
		{"directory-of-65535.tif", append([]byte("II*\x00\x08\x00\x00\x00\xff\xff"), make([]byte, 12*65535)...), "TIFF"},
		{"declares-4G.tif", tiff(map[uint16][]uint32{256: {1<<32 - 1}, 257: {1<<32 - 1}, 258: {8}, 262: {1}, 273: {tiffData}, 279: {1}}, []byte{1}), "TIFF"},
		{"lzw-of-7000.tif", tiff(map[uint16][]uint32{256: {7000}, 257: {7000}, 258: {8}, 259: {5}, 262: {1}, 273: {tiffData}, 279: {4}}, []byte{0x80, 0, 0, 0}), "TIFF"},
		{"declares-65535.heic", HEIC(65535, 65535, 0), "65535×65535"},
		{"declares-4G.heic", HEIC(1<<32-1, 1<<32-1, 0), "HEIC"},
		{"no-configuration.heic", HEIC(64, 64, 0), "configuration"},
		{"million-items.heic", HEIC(64, 64, 200_000), "items"},
		{"boxes-of-nothing.heic", append([]byte("\x00\x00\x00\x10ftypheic\x00\x00\x00\x00"), bytes.Repeat([]byte("\x00\x00\x00\x08free"), 1<<20)...), "HEIC"},
		{"box-of-2^63.heic", []byte("\x00\x00\x00\x10ftypheic\x00\x00\x00\x00\x00\x00\x00\x01meta\x7f\xff\xff\xff\xff\xff\xff\xff"), "too early"},
		{"page.png", []byte("<!DOCTYPE html><html>404"), "HTML"},
	}
})

// segment is a JPEG marker segment.
func segment(marker byte, content ...byte) []byte {
	return append([]byte{0xff, marker, byte((len(content) + 2) >> 8), byte(len(content) + 2)}, content...)
}

// JPEG is a picture of w×h pixels with these scans of its only component, each
// a header of ss, se and ah<<4|al followed by n bytes data. sof is 0xc0 for a
// sequential one and 0xc2 for a progressive one.
func JPEG(sof byte, w, h int, data byte, n int, scans ...[3]byte) []byte {
	b := []byte{0xff, 0xd8}
	b = append(b, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, segment(sof, 8, byte(h>>8), byte(h), byte(w>>8), byte(w), 1, 1, 0x11, 0)...)
	// Codes of one and two bits in each table: DC sizes 0 and 1; AC 0xe0 (the
	// longest run of blocks without more) and 0x01 (a coefficient of one bit).
	counts := append([]byte{1, 1}, make([]byte, 14)...)
	b = append(b, segment(0xc4, append(append([]byte{0x00}, counts...), 0, 1)...)...)
	b = append(b, segment(0xc4, append(append([]byte{0x10}, counts...), 0xe0, 0x01)...)...)
	for _, s := range scans {
		b = append(b, segment(0xda, 1, 1, 0x00, s[0], s[1], s[2])...)
		b = append(b, bytes.Repeat([]byte{data}, n)...)
	}
	return append(b, 0xff, 0xd9)
}

// PNG is a PNG that declares a size and has no pixels.
func PNG(w, h uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, w)
	b = binary.BigEndian.AppendUint32(b, h)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(b, 8, 2, 0, 0, 0))...)
}

func chunk(kind string, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	b = append(append(b, kind...), content...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// tiled is a TIFF in tiles (or strips, when tw is 0) that all are the same n
// deflated zeros.
func tiled(w, h, tw, th uint32, n int) []byte {
	data := zeros(n)
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
	tags[offset] = slices.Repeat([]uint32{tiffData}, int(blocks))
	tags[count] = slices.Repeat([]uint32{uint32(len(data))}, int(blocks))
	return tiff(tags, data)
}

// tiffData is where the data of a tiff begin.
const tiffData = 1000

// tiff is a little-endian TIFF of these tags, all LONG.
func tiff(tags map[uint16][]uint32, data []byte) []byte {
	keys := make([]uint16, 0, len(tags))
	for k := range tags {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b := binary.LittleEndian.AppendUint16([]byte("II*\x00\x08\x00\x00\x00"), uint16(len(keys)))
	var more []byte // the values of tags that have several
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
	return slices.Concat(b, data, more)
}

// dib is the header of a bitmap without pixels.
func dib(w, h uint32, bits, compression byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{40, 0, 0, 0}, w)
	b = binary.LittleEndian.AppendUint32(b, h)
	return append(append(b, 1, 0, bits, 0, compression), make([]byte, 23)...)
}

// tga is the header of a TGA in color.
func tga(kind byte, w, h uint16) []byte {
	b := append([]byte{0, 0, kind}, make([]byte, 9)...)
	return append(b, byte(w), byte(w>>8), byte(h), byte(h>>8), 24, 0)
}

// icon is an icon of one picture.
func icon(picture []byte) []byte {
	b := append([]byte{0, 0, 1, 0, 1, 0}, 0, 0, 0, 0, 1, 0, 24, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(picture)))
	return append(append(b, 22, 0, 0, 0), picture...)
}

// HEIC is a file whose primary picture is declared as w×h pixels and has no
// configuration for the decoder, with so many more items.
func HEIC(w, h, more uint32) []byte {
	box := func(kind string, content ...[]byte) []byte {
		c := slices.Concat(content...)
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(c)+8)), kind...), c...)
	}
	info := func(id uint32) []byte {
		return box("infe", []byte{3, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, id), []byte{0, 0}, []byte("hvc1\x00"))
	}
	infos := [][]byte{{1, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, more+1), info(1)}
	for i := range more {
		infos = append(infos, info(2+i))
	}
	size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 4), w), h)
	return slices.Concat(box("ftyp", []byte("heic\x00\x00\x00\x00")), box("meta", make([]byte, 4),
		box("pitm", []byte{0, 0, 0, 0, 0, 1}), box("iinf", infos...),
		box("iprp", box("ipco", box("ispe", size)), box("ipma", []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1}))))
}

// zeros is n zeros, deflated.
func zeros(n int) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	part := make([]byte, 1<<16)
	for n > 0 {
		k, err := w.Write(part[:min(n, len(part))])
		must(err)
		n -= k
	}
	must(w.Close())
	return b.Bytes()
}

func encode(m image.Image) []byte {
	var b bytes.Buffer
	must((&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m))
	return b.Bytes()
}

func frames(n int) []byte {
	g := &gif.GIF{}
	for range n {
		m := image.NewPaletted(image.Rect(0, 0, 64, 64), color.Palette{color.Black, color.White})
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 1)
	}
	var b bytes.Buffer
	must(gif.EncodeAll(&b, g))
	return b.Bytes()
}

// must is for what cannot fail in memory.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
