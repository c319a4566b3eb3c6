package bitmap

import "github.com/whippet-ml/whippet/internal/unsupported"

// Kinds of a Targa picture; 8 more means run lengths.
const (
	tgaPalette = 1
	tgaColor   = 2
	tgaGray    = 3
	tgaRuns    = 8
)

// IsTGA reports whether b begins with a header of a Targa picture. The format
// has no mark of its own, so every field must make sense.
func IsTGA(b []byte) bool {
	if len(b) < 18 || b[1] > 1 || b[17]&0xc0 != 0 || le.Uint16(b[12:]) == 0 || le.Uint16(b[14:]) == 0 {
		return false
	}
	depth := b[16]
	if b[1] == 0 {
		for _, v := range b[3:8] {
			if v != 0 {
				return false
			}
		}
	} else if d := b[7]; d != 16 && d != 24 && d != 32 || le.Uint16(b[5:]) == 0 {
		return false
	}
	switch b[2] &^ tgaRuns {
	case tgaPalette:
		return b[1] == 1 && depth == 8
	case tgaColor:
		return depth == 16 || depth == 24 || depth == 32
	case tgaGray:
		return depth == 8 || depth == 16
	}
	return false
}

type tga struct {
	w, h    int
	kind    byte
	size    int // bytes of a pixel
	topDown bool
	mirror  bool // the right column comes first
	palette [256][3]uint8
	data    []byte
}

// ReadTGA reads the header of a Targa picture and its palette.
func ReadTGA(b []byte) (*Picture, error) {
	if !IsTGA(b) {
		return nil, unsupported.Errorf("this kind of TGA is not supported; convert it")
	}
	p := &tga{
		w: int(le.Uint16(b[12:])), h: int(le.Uint16(b[14:])), kind: b[2] &^ tgaRuns, size: int(b[16]) / 8,
		topDown: b[17]&0x20 != 0, mirror: b[17]&0x10 != 0,
	}
	at := 18 + int(b[0])
	if b[1] == 1 {
		start, n, size := int(le.Uint16(b[3:])), int(le.Uint16(b[5:])), int(b[7])/8
		if len(b) < at+n*size {
			return nil, errCut
		}
		for i := range n {
			if start+i < len(p.palette) {
				tgaPixel(p.palette[start+i][:], b[at+i*size:], size)
			}
		}
		at += n * size
	}
	if len(b) < at {
		return nil, errCut
	}
	p.data = b[at:]
	n := int64(p.w) * int64(p.h)
	out := &Picture{Width: p.w, Height: p.h, have: len(p.data), least: n * int64(p.size), fill: p.raw}
	if b[2]&tgaRuns != 0 {
		// A packet makes at most 128 pixels.
		out.least, out.fill = (n+127)/128*int64(1+p.size), p.runs
	}
	return out, nil
}

// tgaPixel decodes a color: blue, green, red, or 5 bits of each.
func tgaPixel(dst []uint8, src []byte, size int) {
	if size == 2 {
		v := uint32(le.Uint16(src))
		dst[0], dst[1], dst[2] = scaled(v>>10&31, 5), scaled(v>>5&31, 5), scaled(v&31, 5)
		return
	}
	dst[0], dst[1], dst[2] = src[2], src[1], src[0]
}

// put decodes pixel i in stored order.
func (p *tga) put(pix []uint8, i int, src []byte) {
	x, y := i%p.w, i/p.w
	if !p.topDown {
		y = p.h - 1 - y
	}
	if p.mirror {
		x = p.w - 1 - x
	}
	dst := pix[3*(y*p.w+x):][:3]
	switch p.kind {
	case tgaPalette:
		copy(dst, p.palette[src[0]][:])
	case tgaGray:
		dst[0], dst[1], dst[2] = src[0], src[0], src[0]
	default:
		tgaPixel(dst, src, p.size)
	}
}

func (p *tga) raw(pix []uint8) error {
	for i := range p.w * p.h {
		p.put(pix, i, p.data[i*p.size:])
	}
	return nil
}

// runs decodes packets: a count less 1, with the high bit set when one pixel
// follows for all.
func (p *tga) runs(pix []uint8) error {
	src := p.data
	for i := 0; i < p.w*p.h; {
		if len(src) < 1 {
			return errCut
		}
		n, same := int(src[0]&127)+1, src[0]&128 != 0
		src = src[1:]
		for k := range n {
			if len(src) < p.size {
				return errCut
			}
			if i < p.w*p.h {
				p.put(pix, i, src)
				i++
			}
			if !same || k == n-1 {
				src = src[p.size:]
			}
		}
	}
	return nil
}
