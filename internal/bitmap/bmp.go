package bitmap

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// Compressions of a BMP.
const (
	bmpRaw    = 0
	bmpRLE8   = 1
	bmpRLE4   = 2
	bmpFields = 3
)

// bmp is a device-independent bitmap: what follows a BMP's file header, and what
// an icon holds.
type bmp struct {
	w, h        int
	topDown     bool
	bits        int // of a pixel
	compression uint32
	masks       [3]uint32 // where red, green and blue are in 16 or 32 bits
	palette     [256][3]uint8
	data        []byte // the pixels
	odd         bool   // data begins at an odd place of the file
}

var le = binary.LittleEndian

// IsDIB reports whether b begins as a bitmap without a file header does, which
// .dib files are.
func IsDIB(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	planes, depth := le.Uint16(b[12:]), le.Uint16(b[14:])
	switch le.Uint32(b) {
	case 12:
		planes, depth = le.Uint16(b[8:]), le.Uint16(b[10:])
	case 40, 52, 56, 64, 108, 124:
	default:
		return false
	}
	switch depth {
	case 1, 4, 8, 16, 24, 32:
		return planes == 1
	}
	return false
}

// ReadBMP reads the headers of a BMP, or of a bitmap without a file header.
func ReadBMP(b []byte) (*Picture, error) {
	if IsDIB(b) {
		d, end, err := readDIB(b)
		if err != nil {
			return nil, err
		}
		if end > len(b) {
			return nil, errCut
		}
		d.data, d.odd = b[end:], end%2 != 0
		return d.picture()
	}
	if len(b) < 18 || b[0] != 'B' || b[1] != 'M' {
		return nil, errCut
	}
	d, end, err := readDIB(b[14:])
	if err != nil {
		return nil, err
	}
	at := uint64(le.Uint32(b[10:]))
	if d.bits <= 8 && at == 14+uint64(le.Uint32(b[14:])) || at == 0 {
		at = 14 + uint64(end) // the writer forgot the palette, or all
	}
	if at > uint64(len(b)) {
		return nil, errCut
	}
	d.data, d.odd = b[at:], at%2 != 0
	return d.picture()
}

// readDIB reads the header, masks and palette of a bitmap, and returns where the
// pixels begin when nothing else says it. Header sizes are those of Windows' and
// OS/2's versions: 12, 40, 52, 56, 64, 108, 124.
func readDIB(b []byte) (*bmp, int, error) {
	if len(b) < 4 {
		return nil, 0, errCut
	}
	size := uint64(le.Uint32(b))
	switch size {
	case 12, 40, 52, 56, 64, 108, 124:
	default:
		return nil, 0, unsupported.Errorf("BMP with a header of %d bytes is not supported; convert it", size)
	}
	if uint64(len(b)) < size {
		return nil, 0, errCut
	}
	d := &bmp{}
	colors, entry := uint64(0), 4
	if size == 12 {
		d.w, d.h, d.bits = int(le.Uint16(b[4:])), int(le.Uint16(b[6:])), int(le.Uint16(b[10:]))
		entry = 3
	} else {
		d.w, d.h, d.bits = int(int32(le.Uint32(b[4:]))), int(int32(le.Uint32(b[8:]))), int(le.Uint16(b[14:]))
		d.compression = le.Uint32(b[16:])
		colors = uint64(le.Uint32(b[32:]))
	}
	if d.h < 0 {
		d.topDown, d.h = true, -d.h
	}
	if _, err := area(d.w, d.h); err != nil {
		return nil, 0, err
	}
	switch d.bits {
	case 1, 4, 8, 16, 24, 32:
	default:
		return nil, 0, unsupported.Errorf("BMP with %d bits a pixel is not supported; convert it", d.bits)
	}
	end := int(size)
	switch d.compression {
	case bmpRaw:
		d.masks = [3]uint32{0xff0000, 0xff00, 0xff}
		if d.bits == 16 {
			d.masks = [3]uint32{0x7c00, 0x3e0, 0x1f}
		}
	case bmpRLE8, bmpRLE4:
		if want := 8 / int(d.compression); d.bits != want {
			return nil, 0, fmt.Errorf("a BMP with run lengths of %d bits has pixels of %d bits", want, d.bits)
		}
	case bmpFields:
		at := 40
		if size == 40 {
			end += 12 // they follow the header
		}
		if len(b) < at+12 {
			return nil, 0, errCut
		}
		if err := d.fields(b[at:]); err != nil {
			return nil, 0, err
		}
	default:
		return nil, 0, unsupported.Errorf("BMP's compression %d is not supported; convert it", d.compression)
	}
	if d.bits <= 8 {
		if colors == 0 {
			colors = 1 << d.bits
		}
		if colors > 1<<16 {
			return nil, 0, fmt.Errorf("a BMP's palette of %d colors", colors)
		}
		if len(b)-end < entry*int(colors) {
			return nil, 0, errCut
		}
		for i := range min(int(colors), 256) {
			p := b[end+entry*i:]
			d.palette[i] = [3]uint8{p[2], p[1], p[0]}
		}
		end += entry * int(colors)
	}
	return d, end, nil
}

// fields reads the masks of red, green and blue.
func (d *bmp) fields(b []byte) error {
	for i := range d.masks {
		d.masks[i] = le.Uint32(b[4*i:])
	}
	if d.bits == 32 && d.masks == [3]uint32{} {
		d.masks = [3]uint32{0xff0000, 0xff00, 0xff}
	}
	for _, m := range d.masks {
		n := bits.OnesCount32(m)
		if n == 0 || m>>bits.TrailingZeros32(m) != 1<<n-1 || d.bits < 16 || d.bits < 32 && m>>d.bits != 0 {
			return unsupported.Errorf("BMP of %d bits with the color masks %#x is not supported; convert it", d.bits, d.masks)
		}
	}
	return nil
}

// stride is the length of a row, of whole words of 4 bytes.
func (d *bmp) stride() int64 { return (int64(d.w)*int64(d.bits) + 31) / 32 * 4 }

func (d *bmp) picture() (*Picture, error) {
	p := &Picture{Width: d.w, Height: d.h, have: len(d.data), fill: d.raw}
	if d.compression == bmpRLE8 || d.compression == bmpRLE4 {
		p.fill = d.runs // two bytes may end the picture anywhere
		return p, nil
	}
	// The padding of the last row may be missing.
	p.least = d.stride()*int64(d.h-1) + (int64(d.w)*int64(d.bits)+7)/8
	return p, nil
}

// row returns the place of stored row y.
func (d *bmp) row(pix []uint8, y int) []uint8 {
	if !d.topDown {
		y = d.h - 1 - y
	}
	return pix[3*y*d.w : 3*(y+1)*d.w]
}

// raw decodes pixels without compression.
func (d *bmp) raw(pix []uint8) error {
	stride := int(d.stride())
	var shift, size [3]int
	for i, m := range d.masks {
		shift[i], size[i] = bits.TrailingZeros32(m), bits.OnesCount32(m)
	}
	plain := d.masks == [3]uint32{0xff0000, 0xff00, 0xff}
	for y := range d.h {
		dst, src := d.row(pix, y), d.data[y*stride:]
		switch {
		case d.bits <= 8:
			mask := byte(1<<d.bits - 1)
			for x := 0; 3*x < len(dst); x++ {
				bit := x * d.bits
				i := src[bit/8] >> (8 - d.bits - bit%8) & mask
				copy(dst[3*x:3*x+3], d.palette[i][:])
			}
		case plain && d.bits >= 24:
			n := d.bits / 8
			for ; len(dst) >= 3; dst, src = dst[3:], src[n:] {
				dst[0], dst[1], dst[2] = src[2], src[1], src[0]
			}
		default:
			n := d.bits / 8
			for ; len(dst) >= 3; dst, src = dst[3:], src[n:] {
				v := uint32(src[0]) | uint32(src[1])<<8
				for k := 2; k < n; k++ {
					v |= uint32(src[k]) << (8 * k)
				}
				for i := range 3 {
					dst[i] = scaled(v&d.masks[i]>>shift[i], size[i])
				}
			}
		}
	}
	return nil
}
