package vision

import (
	"encoding/binary"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/tiff"
)

// orientation finds the EXIF orientation of an encoded picture: 1 to 8, and 1
// for pictures that have none or a damaged one. EXIF is a hint, so nothing in
// it makes a picture unreadable.
func orientation(f Format, b []byte) int {
	var exif []byte
	switch f {
	case JPEG:
		exif = jpegExif(b)
	case PNG:
		exif = pngExif(b)
	case WebP:
		exif = webpExif(b)
	case TIFF:
		return tiff.Orientation(b)
	}
	return tiffOrientation(exif)
}

const exifHead = "Exif\x00\x00"

// jpegExif finds the first APP1 segment that holds EXIF (CIPA DC-008, 4.7.2).
func jpegExif(b []byte) []byte {
	for i := 2; i+4 <= len(b); {
		if b[i] != 0xff {
			return nil
		}
		marker := b[i+1]
		if marker == 0xff { // a fill byte
			i++
			continue
		}
		if marker == 0xda || marker == 0xd9 { // pixels begin; EXIF comes before
			return nil
		}
		n := int(binary.BigEndian.Uint16(b[i+2:]))
		if n < 2 || i+2+n > len(b) {
			return nil
		}
		seg := b[i+4 : i+2+n]
		if marker == 0xe1 && len(seg) >= len(exifHead) && string(seg[:len(exifHead)]) == exifHead {
			return seg[len(exifHead):]
		}
		i += 2 + n
	}
	return nil
}

// pngExif finds the eXIf chunk (PNG third edition, 11.3.4.4).
func pngExif(b []byte) []byte {
	for i := 8; i+12 <= len(b); {
		n := int(binary.BigEndian.Uint32(b[i:]))
		if n < 0 || n > len(b)-i-12 {
			return nil
		}
		switch string(b[i+4 : i+8]) {
		case "eXIf":
			return b[i+8 : i+8+n]
		case "IEND":
			return nil
		}
		i += 12 + n
	}
	return nil
}

// webpExif finds the EXIF chunk of an extended WebP file.
func webpExif(b []byte) []byte {
	for i := 12; i+8 <= len(b); {
		n := int(binary.LittleEndian.Uint32(b[i+4:]))
		if n < 0 || n > len(b)-i-8 {
			return nil
		}
		if string(b[i:i+4]) == "EXIF" {
			e := b[i+8 : i+8+n]
			if len(e) >= len(exifHead) && string(e[:len(exifHead)]) == exifHead {
				e = e[len(exifHead):]
			}
			return e
		}
		i += 8 + n + n&1
	}
	return nil
}

// tiffOrientation reads tag 274 from the first directory of a TIFF structure.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(b[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int(order.Uint32(b[4:]))
	if at < 8 || at > len(b)-2 {
		return 1
	}
	n := int(order.Uint16(b[at:]))
	for e := at + 2; n > 0 && e+12 <= len(b); n, e = n-1, e+12 {
		if order.Uint16(b[e:]) != 274 {
			continue
		}
		v := 0
		switch order.Uint16(b[e+2:]) {
		case 3: // SHORT, the type the standard asks for
			v = int(order.Uint16(b[e+8:]))
		case 4: // LONG, seen in the wild
			v = int(order.Uint32(b[e+8:]))
		}
		if v >= 1 && v <= 8 {
			return v
		}
		return 1
	}
	return 1
}

// orient turns and mirrors a stored picture so that it stands upright. The
// meaning of the values (CIPA DC-008, tag 274) is what Pillow's
// ImageOps.exif_transpose does: 2 mirror left-right, 3 half turn, 4 mirror
// top-bottom, 5 transpose, 6 quarter turn clockwise, 7 transverse, 8 quarter
// turn counter-clockwise. It takes m over: m is returned or freed.
func orient(m *data.Image, o int) *data.Image {
	if o <= 1 || o > 8 {
		return m
	}
	w, h := m.Width, m.Height
	ow, oh := w, h
	if o >= 5 {
		ow, oh = h, w
	}
	out := data.NewImage(ow, oh)
	// The source of output (x,y) is start + x*dx + y*dy, in pixels.
	var start, dx, dy int
	switch o {
	case 2:
		start, dx, dy = w-1, -1, w
	case 3:
		start, dx, dy = w*h-1, -1, -w
	case 4:
		start, dx, dy = w*(h-1), 1, -w
	case 5:
		start, dx, dy = 0, w, 1
	case 6:
		start, dx, dy = w*(h-1), -w, 1
	case 7:
		start, dx, dy = w*h-1, -w, -1
	case 8:
		start, dx, dy = w-1, w, -1
	}
	d := 0
	for y := range oh {
		s := start + y*dy
		for range ow {
			out.Pix[d], out.Pix[d+1], out.Pix[d+2] = m.Pix[3*s], m.Pix[3*s+1], m.Pix[3*s+2]
			d += 3
			s += dx
		}
	}
	m.Free()
	return out
}
