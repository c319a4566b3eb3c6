package avif

import (
	"encoding/binary"

	"github.com/whippet-ml/whippet/internal/heif"
)

// container writes an AVIF file of a picture: sizes, configurations, colors, the grid and the coded data
// that were read and checked, and nothing else. The decoder never sees the file itself, so what
// it would do with alpha, films, metadata and damaged boxes does not matter.
func container(p *heif.Picture, m remix) []byte {
	properties := [][]byte{full("ispe", 0, u32(p.Width), u32(p.Height)), full("ispe", 0, u32(p.TileWidth), u32(p.TileHeight))}
	var colors []int // the number of the property, where there is one
	if c := p.Color; c != nil {
		matrix := c.Matrix
		if m != (remix{}) {
			matrix = m.told
		}
		var video byte = 0x80
		if !c.FullRange {
			video = 0
		}
		// How light is transferred does not change how the samples are mixed: sRGB's.
		properties = append(properties, box("colr", []byte("nclx"), u16(c.Primaries), u16(13), u16(matrix), []byte{video}))
		colors = []int{3}
	}
	f := &items{properties: properties}
	if len(p.Tiles) > 1 {
		f.add("grid", []byte{0, 1, byte(p.Rows - 1), byte(p.Columns - 1)}, append(colors, 1), u32(p.Width), u32(p.Height))
	}
	for _, t := range p.Tiles {
		f.properties = append(f.properties, box("av1C", t.Config))
		f.add("av01", t.Data, append(colors[:len(colors):len(colors)], 2, len(f.properties)))
	}
	return f.file(len(p.Tiles))
}

// items are the parts of a file: what they are, where in the data, and the numbers of their properties.
type items struct {
	count        int
	properties   [][]byte
	infos, links [][]byte
	data         []byte
	placed       []int // where the data of items begin
}

// add adds an item; the first is the picture.
func (f *items) add(kind string, data []byte, properties []int, more ...[]byte) {
	f.count++
	f.placed = append(f.placed, len(f.data))
	f.data = append(f.data, data...)
	for _, m := range more {
		f.data = append(f.data, m...)
	}
	f.infos = append(f.infos, full("infe", 2, u16(f.count), u16(0), []byte(kind), []byte{0}))
	f.links = append(f.links, u16(f.count), []byte{byte(len(properties))})
	for _, p := range properties {
		f.links = append(f.links, u16(p))
	}
}

// file writes the file. When there are more items than tiles, the first is a grid of the others.
func (f *items) file(tiles int) []byte {
	meta := func(at int) []byte {
		places := [][]byte{{0x44, 0}, u16(f.count)}
		for i, from := range f.placed {
			to := len(f.data)
			if i+1 < f.count {
				to = f.placed[i+1]
			}
			places = append(places, u16(i+1), u16(0), u16(1), u32(at+from), u32(to-from))
		}
		content := [][]byte{
			full("hdlr", 0, make([]byte, 4), []byte("pict"), make([]byte, 13)),
			full("pitm", 0, u16(1)),
			full("iloc", 0, places...),
			full("iinf", 0, append([][]byte{u16(f.count)}, f.infos...)...),
			box("iprp", box("ipco", f.properties...), box("ipma", append([][]byte{{0, 0, 0, 1}, u32(f.count)}, f.links...)...)),
		}
		if f.count > tiles {
			from := [][]byte{u16(1), u16(tiles)}
			for i := range tiles {
				from = append(from, u16(i+2))
			}
			content = append(content, full("iref", 0, box("dimg", from...)))
		}
		return full("meta", 0, content...)
	}
	head := box("ftyp", []byte("avif"), make([]byte, 4), []byte("mif1miafavif"))
	return append(append(head, meta(len(head)+len(meta(0))+8)...), box("mdat", f.data)...)
}

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

// box is a box of the ISO base media format.
func box(kind string, content ...[]byte) []byte {
	n := 8
	for _, c := range content {
		n += len(c)
	}
	b := append(binary.BigEndian.AppendUint32(make([]byte, 0, n), uint32(n)), kind...)
	for _, c := range content {
		b = append(b, c...)
	}
	return b
}

// full is a box with a version.
func full(kind string, version byte, content ...[]byte) []byte {
	return box(kind, append([][]byte{{version, 0, 0, 0}}, content...)...)
}
