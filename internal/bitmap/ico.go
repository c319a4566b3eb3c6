package bitmap

import (
	"bytes"
	"fmt"
	"math/bits"
)

// PNGHead is how a PNG begins.
const PNGHead = "\x89PNG\r\n\x1a\n"

// Icon returns the picture of an ICO that Pillow shows: the largest, and of
// equally large ones that of the fewest bits. It begins with PNGHead when it is
// a PNG; else ReadIcon reads it.
func Icon(b []byte) ([]byte, error) {
	if len(b) < 6 {
		return nil, errCut
	}
	n := int(le.Uint16(b[4:]))
	if n == 0 {
		return nil, fmt.Errorf("the icon has no pictures")
	}
	if len(b) < 6+16*n {
		return nil, errCut
	}
	var best []byte
	bestArea, bestDepth := 0, 0
	for e := b[6 : 6+16*n]; len(e) > 0; e = e[16:] {
		w, h := int(e[0]), int(e[1])
		if w == 0 {
			w = 256
		}
		if h == 0 {
			h = 256
		}
		depth := int(le.Uint16(e[6:]))
		if depth == 0 && e[2] > 1 {
			depth = bits.Len8(e[2] - 1)
		}
		if depth == 0 {
			depth = 256
		}
		if best == nil || w*h > bestArea || w*h == bestArea && depth < bestDepth {
			best, bestArea, bestDepth = e[:16], w*h, depth
		}
	}
	at := uint64(le.Uint32(best[12:]))
	if at >= uint64(len(b)) {
		return nil, errCut
	}
	return b[at:], nil
}

// ReadIcon reads the headers of an icon's picture that is a bitmap. Its mask is
// left out, as alpha is everywhere.
func ReadIcon(b []byte) (*Picture, error) {
	if bytes.HasPrefix(b, []byte(PNGHead)) {
		return nil, fmt.Errorf("the icon's picture is a PNG")
	}
	d, end, err := readDIB(b)
	if err != nil {
		return nil, err
	}
	// The height counts the mask below the colors, too.
	if d.h /= 2; d.h == 0 {
		return nil, fmt.Errorf("the icon has no height")
	}
	d.data, d.odd = b[end:], end%2 != 0
	return d.picture()
}
