package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// Tags of a directory (TIFF 6.0, section 8, and those that later sections add).
const (
	tagWidth           = 256
	tagHeight          = 257
	tagBits            = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamples         = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagPlanar          = 284
	tagT4Options       = 292
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagInkSet          = 332
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagJPEGFile        = 513
	tagJPEGFileLength  = 514
	tagSubsampling     = 530
)

// directory is the first directory of a file: the description of its first
// picture.
type directory struct {
	file  []byte
	order binary.ByteOrder
	// entries maps tags to their values' type, number and bytes.
	entries map[int]entry
}

type entry struct {
	kind  uint16
	count int
	raw   []byte
}

// sizes of the types of values, in bytes: BYTE, ASCII, SHORT, LONG, UNDEFINED
// and LONG8. The tags that are read here have no other.
var sizes = map[uint16]uint64{1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 16: 8}

var errEnd = fmt.Errorf("the TIFF directory: %w", io.ErrUnexpectedEOF)

// readDirectory reads the first directory of a TIFF or BigTIFF file. Nothing is
// copied, whatever numbers the file has.
func readDirectory(b []byte) (*directory, error) {
	if len(b) < 16 {
		return nil, errEnd
	}
	d := &directory{file: b, entries: map[int]entry{}}
	switch string(b[:2]) {
	case "II":
		d.order = binary.LittleEndian
	case "MM":
		d.order = binary.BigEndian
	default:
		return nil, errors.New("no TIFF: it starts with neither II nor MM")
	}
	var at, n uint64
	head, size, word := 2, 12, 4 // bytes of the number of entries, of an entry, of an offset
	switch v := d.order.Uint16(b[2:]); v {
	case 42:
		at = uint64(d.order.Uint32(b[4:]))
	case 43: // BigTIFF: the same with offsets of 64 bits
		head, size, word = 8, 20, 8
		at = d.order.Uint64(b[8:])
	default:
		return nil, fmt.Errorf("TIFF version %d; there are 42 and 43", v)
	}
	if at < 8 || at > uint64(len(b)-head) {
		return nil, errEnd
	}
	if head == 2 {
		n = uint64(d.order.Uint16(b[at:]))
	} else {
		n = d.order.Uint64(b[at:])
	}
	if n > 1<<16 {
		return nil, fmt.Errorf("a TIFF directory of %d entries", n)
	}
	b = b[at+uint64(head):]
	if uint64(len(b)) < n*uint64(size) {
		return nil, errEnd
	}
	for ; n > 0; n, b = n-1, b[size:] {
		tag, kind := int(d.order.Uint16(b)), d.order.Uint16(b[2:])
		count := d.word(b[4:], word)
		each := sizes[kind]
		if each == 0 || count > uint64(len(d.file))/each {
			if each != 0 && wanted[tag] {
				return nil, fmt.Errorf("TIFF tag %d has %d values, more than the file holds: %w", tag, count, io.ErrUnexpectedEOF)
			}
			continue
		}
		raw := b[4+word : 4+2*word]
		if length := each * count; length > uint64(word) {
			p := d.word(raw, word)
			if p > uint64(len(d.file)) || length > uint64(len(d.file))-p {
				if wanted[tag] {
					return nil, fmt.Errorf("the values of TIFF tag %d lie beyond the end of the file: %w", tag, io.ErrUnexpectedEOF)
				}
				continue
			}
			raw = d.file[p : p+length]
		}
		d.entries[tag] = entry{kind, int(count), raw}
	}
	return d, nil
}

// wanted are the tags without whose values a picture would be read wrongly.
var wanted = map[int]bool{
	tagWidth: true, tagHeight: true, tagBits: true, tagStripOffsets: true, tagStripByteCounts: true, tagTileOffsets: true,
	tagTileByteCounts: true, tagColorMap: true, tagExtraSamples: true, tagSampleFormat: true, tagJPEGTables: true,
}

func (d *directory) word(b []byte, size int) uint64 {
	if size == 8 {
		return d.order.Uint64(b)
	}
	return uint64(d.order.Uint32(b))
}

// at returns value i of a tag, and missing when there is none.
func (d *directory) at(tag, i int, missing uint64) uint64 {
	e, ok := d.entries[tag]
	if !ok || i >= e.count {
		return missing
	}
	switch e.kind {
	case 3:
		return uint64(d.order.Uint16(e.raw[2*i:]))
	case 4:
		return uint64(d.order.Uint32(e.raw[4*i:]))
	case 16:
		return d.order.Uint64(e.raw[8*i:])
	}
	return uint64(e.raw[i])
}

// small is the first value of a tag as a number of at most 2³¹-1.
func (d *directory) small(tag int, missing uint64) int {
	return int(min(d.at(tag, 0, missing), 1<<31-1))
}

// same returns the value that all n of a tag have; files whose samples differ
// in it are not supported.
func (d *directory) same(tag, n int, missing uint64, what string) (int, error) {
	v := d.at(tag, 0, missing)
	for i := 1; i < min(n, d.entries[tag].count); i++ {
		if w := d.at(tag, i, missing); w != v {
			return 0, unsupported.Errorf("samples with a different %s, %d and %d, are not supported; convert it", what, v, w)
		}
	}
	return int(min(v, 1<<31-1)), nil
}
