// Package jpeg decodes baseline, extended and progressive JPEG pictures of 8-bit
// samples, Huffman-coded or arithmetic-coded, to RGB, with the very pixels that
// libjpeg-turbo, and so Pillow, gives.
//
// The standard library's image/jpeg leaves chroma at its stored resolution and
// rounds the inverse transform in its own way: a quarter of all samples differ
// from Pillow's, by up to 43 levels on Oxford Pets. A network trained on one
// decoder's pixels loses accuracy on the other's. This decoder uses libjpeg's
// integer inverse transform ("islow"), its triangle filter for chroma ("fancy
// upsampling") and its rounding of YCbCr to RGB, and is several times faster.
//
// Not supported, each with an error that says so: lossless and hierarchical
// processes, 12-bit samples, and a height given after the
// first scan (DNL).
//
// T.81 is ITU-T Recommendation T.81 (ISO/IEC 10918-1).
package jpeg

import (
	"errors"
	"fmt"
	"io"
)

// Header is what the frame header says.
type Header struct {
	Width, Height int // in pixels
	Components    int // 1 gray, 3 color, 4 CMYK
	Progressive   bool
}

// ReadHeader reads up to the frame header. It allocates nothing that depends on
// the picture's size.
func ReadHeader(b []byte) (Header, error) {
	d := decoders.Get() // its tables are large to make anew
	defer d.release()
	d.reset(b)
	if err := d.markers(true); err != nil {
		return Header{}, err
	}
	return d.header(), nil
}

// ErrCorrupt is wrapped by the errors that Decode returns only when it is
// strict.
var ErrCorrupt = errors.New("corrupt data")

// Decode decodes b. It calls alloc once, with the size, for the 3·w·h bytes
// that it fills with RGB; whoever allocates bounds the size, preferably by
// ReadHeader beforehand.
//
// Corrupt entropy-coded data (impossible codes, segments that end too early or
// too late) does not stop decoding: Pillow shows such pictures, with a warning,
// and many data sets have some. When strict is set it is an error that wraps
// ErrCorrupt. Data that ends before the picture does is always
// io.ErrUnexpectedEOF.
func Decode(b []byte, strict bool, alloc func(w, h int) []uint8) error {
	return decode(b, strict, false, alloc)
}

// DecodeInks is Decode for four components that are inks, 0 for none, as TIFF has
// them, where files of their own have the complements, after Adobe.
func DecodeInks(b []byte, strict bool, alloc func(w, h int) []uint8) error {
	return decode(b, strict, true, alloc)
}

func decode(b []byte, strict, inks bool, alloc func(w, h int) []uint8) error {
	d := decoders.Get()
	defer d.release()
	d.reset(b)
	d.inks = inks
	if err := d.markers(false); err != nil {
		return err
	}
	if d.trouble != "" && strict {
		return fmt.Errorf("%w: %s", ErrCorrupt, d.trouble)
	}
	if d.progressive {
		d.reconstruct()
	}
	d.output(alloc(d.w, d.h))
	return nil
}

func (d *decoder) header() Header {
	return Header{Width: d.w, Height: d.h, Components: len(d.comps), Progressive: d.progressive}
}

// Markers (T.81 table B.1).
const (
	mSOF0  = 0xc0
	mSOF1  = 0xc1
	mSOF2  = 0xc2
	mDHT   = 0xc4
	mSOF9  = 0xc9
	mSOF10 = 0xca
	mDAC   = 0xcc
	mRST0  = 0xd0
	mRST7  = 0xd7
	mSOI   = 0xd8
	mEOI   = 0xd9
	mSOS   = 0xda
	mDQT   = 0xdb
	mDRI   = 0xdd
	mAPP0  = 0xe0
	mAPP14 = 0xee
	mTEM   = 0x01
)

var errTruncated = fmt.Errorf("JPEG data ends too early: %w", io.ErrUnexpectedEOF)

// next returns the next marker, and how many bytes before it were no marker.
func (d *decoder) next() (marker byte, skipped int, err error) {
	for {
		for d.pos < len(d.data) && d.data[d.pos] != 0xff {
			d.pos++
			skipped++
		}
		for d.pos < len(d.data) && d.data[d.pos] == 0xff {
			d.pos++
		}
		if d.pos >= len(d.data) {
			return 0, skipped, errTruncated
		}
		m := d.data[d.pos]
		d.pos++
		if m != 0 {
			return m, skipped, nil
		}
		skipped += 2
	}
}

// segment returns the contents of a marker segment.
func (d *decoder) segment(marker byte) ([]byte, error) {
	if d.pos+2 > len(d.data) {
		return nil, errTruncated
	}
	n := int(d.data[d.pos])<<8 | int(d.data[d.pos+1])
	if n < 2 {
		return nil, fmt.Errorf("segment %#02x declares length %d; it includes its own 2 bytes", marker, n)
	}
	if d.pos+n > len(d.data) {
		return nil, errTruncated
	}
	s := d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return s, nil
}

// markers reads segments: up to the frame header, or up to the end of the
// picture.
func (d *decoder) markers(headerOnly bool) error {
	if len(d.data) < 2 || d.data[0] != 0xff || d.data[1] != mSOI {
		return errors.New("no JPEG: it does not start with ff d8")
	}
	d.pos = 2
	for {
		m, skipped, err := d.next()
		if err != nil {
			return err
		}
		if skipped > 0 {
			d.warn("%d bytes before marker %#02x belong to no segment", skipped, m)
		}
		switch {
		case m == mEOI:
			if !d.complete() {
				return errors.New("the picture ends before its pixels are complete")
			}
			return nil
		case m == mSOI || m == mTEM || m >= mRST0 && m <= mRST7:
			continue // they stand alone
		}
		s, err := d.segment(m)
		if err != nil {
			return err
		}
		switch {
		case m >= 0xc0 && m <= 0xcf && m != mDHT && m != 0xc8 && m != mDAC:
			if err := d.frame(m, s); err != nil {
				return err
			}
			if headerOnly {
				return nil
			}
		case headerOnly:
		case m == mDHT:
			err = d.huffmanTables(s)
		case m == mDAC:
			err = d.conditioning(s)
		case m == mDQT:
			err = d.quantTables(s)
		case m == mDRI:
			if len(s) < 2 {
				return fmt.Errorf("restart interval of %d bytes, want 2", len(s))
			}
			d.interval = int(s[0])<<8 | int(s[1])
		case m == mAPP0:
			d.jfif = d.jfif || len(s) >= 5 && string(s[:5]) == "JFIF\x00"
		case m == mAPP14:
			if len(s) >= 12 && string(s[:5]) == "Adobe" {
				d.adobe, d.transform = true, s[11]
			}
		case m == mSOS:
			if err := d.scan(s); err != nil {
				return err
			}
			if !d.progressive && d.complete() {
				// Like libjpeg: whether an end marker follows does not matter.
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// complete reports whether every component has had a scan.
func (d *decoder) complete() bool {
	if len(d.comps) == 0 {
		return false
	}
	for i := range d.comps {
		if !d.comps[i].seen {
			return false
		}
	}
	return true
}

func (d *decoder) warn(format string, args ...any) {
	if d.trouble == "" {
		d.trouble = fmt.Sprintf(format, args...)
	}
}
