package vision

import (
	"encoding/binary"
	"fmt"
)

// Tags of a TIFF directory (TIFF 6.0, sections 8 and 15).
const (
	tiffRowsPerStrip = 278
	tiffTileWidth    = 322
	tiffTileLength   = 323
)

// A TIFF's pixels come in blocks, tiles or strips, each compressed for itself.
// All may be the same bytes of the file, tiles may be mostly outside the
// picture, and the decoder inflates each of them anew, so a file of a hundred
// kilobytes could keep it busy for minutes.
const (
	maxTIFFBlocks = 1 << 16
	// maxTIFFExcess is how many times as many pixels as the picture its blocks may
	// have, beside one block of 1024×1024.
	maxTIFFExcess = 4
)

// checkTIFF refuses a picture whose blocks are out of proportion to it.
func checkTIFF(b []byte, info Info) error {
	w, h := int64(info.Width), int64(info.Height)
	across, down, area := int64(1), int64(1), w
	what := "strips"
	if tw := int64(tiffValue(b, tiffTileWidth)); tw > 0 {
		what = "tiles"
		tw = min(tw, 1<<30) // so that no product overflows
		th := min(int64(max(tiffValue(b, tiffTileLength), 1)), 1<<30)
		across, down, area = (w+tw-1)/tw, (h+th-1)/th, tw*th
	} else if rows := int64(tiffValue(b, tiffRowsPerStrip)); rows > 0 && rows < h {
		down, area = (h+rows-1)/rows, w*rows
	} else {
		area = w * h
	}
	n := across * down
	if n > maxTIFFBlocks {
		return fmt.Errorf("%d×%d pixels in %d %s; the limit is %d", w, h, n, what, maxTIFFBlocks)
	}
	if room := maxTIFFExcess*w*h + 1<<20; area > room/n {
		return fmt.Errorf("%d×%d pixels in %d %s of %d pixels each: far more than the picture has", w, h, n, what, area)
	}
	return nil
}

// tiffValue returns the first number of a tag in the first directory, 0 when
// there is none. The decoder reads it the same way.
func tiffValue(b []byte, tag uint16) uint32 {
	if len(b) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at < 8 || at > int64(len(b))-2 {
		return 0
	}
	n := int(order.Uint16(b[at:]))
	for e := b[at+2:]; n > 0 && len(e) >= 12; n, e = n-1, e[12:] {
		if order.Uint16(e) != tag {
			continue
		}
		kind, count, value := order.Uint16(e[2:]), order.Uint32(e[4:]), e[8:12]
		size := map[uint16]uint64{1: 1, 3: 2, 4: 4}[kind] // BYTE, SHORT, LONG
		if size == 0 || count == 0 {
			return 0
		}
		if size*uint64(count) > 4 {
			p := int64(order.Uint32(value))
			if p > int64(len(b))-int64(size) {
				return 0
			}
			value = b[p:]
		}
		switch kind {
		case 1:
			return uint32(value[0])
		case 3:
			return uint32(order.Uint16(value))
		}
		return order.Uint32(value)
	}
	return 0
}
