package tiff

import (
	"errors"
	"math"

	"github.com/whippet-ml/whippet/internal/jpeg"
)

// converter turns rows of a block's samples into RGB.
type converter struct {
	*picture
	line   int          // bytes of a row of all samples
	colors [256][3]byte // of gray levels of up to 8 bits and of palettes
}

func (p *picture) converter() (*converter, error) {
	c := &converter{picture: p, line: p.stride(p.samples)}
	levels := 1 << min(p.bits, 8)
	switch p.photometric {
	case palette:
		if e := p.entries[tagColorMap]; e.count < 3*levels {
			return nil, errors.New("the TIFF directory has no whole color map (tag 320)")
		}
		for i := range levels {
			for k := range 3 {
				c.colors[i][k] = byte(p.at(tagColorMap, k*levels+i, 0) >> 8)
			}
		}
	case whiteIsZero, blackIsZero:
		for i := range levels {
			v := byte(i * 255 / (levels - 1))
			if p.photometric == whiteIsZero {
				v = 255 - v
			}
			c.colors[i] = [3]byte{v, v, v}
		}
	}
	return c, nil
}

// row converts row y of a block to dst.
func (c *converter) row(dst, block []byte, y int) {
	if c.photometric == ycbcr {
		c.ycbcrRow(dst, block, y)
		return
	}
	src := block[y*c.line:][:c.line]
	switch {
	case c.bits < 8:
		mask := byte(1<<c.bits - 1)
		for x := 0; 3*x < len(dst); x++ {
			bit := x * c.bits
			v := src[bit/8] >> (8 - c.bits - bit%8) & mask
			copy(dst[3*x:3*x+3], c.colors[v][:])
		}
		return
	case c.bits == 12:
		for x := 0; 3*x < len(dst); x++ { // the high 8 bits of each
			v := src[x/2*3]
			if x&1 == 1 {
				v = src[x/2*3+1]<<4 | src[x/2*3+2]>>4
			}
			copy(dst[3*x:3*x+3], c.colors[v][:])
		}
		return
	case c.bits == 32:
		for x := 0; 3*x < len(dst); x++ {
			v := c.wide(src[4*x:])
			dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
		}
		return
	}
	size := c.bits / 8
	high := 0 // where the high byte of a sample is
	if size == 2 && c.order.Uint16([]byte{0, 1}) == 256 {
		high = 1
	}
	step := size * c.samples
	for ; len(dst) >= 3; dst, src = dst[3:], src[step:] {
		s := src[high:]
		switch c.photometric {
		case rgb:
			dst[0], dst[1], dst[2] = s[0], s[size], s[2*size]
			if c.alpha && c.samples > 3 {
				divide(dst, s[3*size])
			}
		case cmyk:
			jpeg.MixInk(dst, s[0], s[size], s[2*size], s[3*size])
		case cielab:
			labPixel(dst, s[0], s[1], s[2])
		default:
			v := s[0]
			if c.format == signed && size == 2 {
				v = c.clipped(src)
			}
			copy(dst, c.colors[v][:])
		}
	}
}

// clipped is a signed number of 16 bits as a level of 0 to 255, as Pillow's I.
func (c *converter) clipped(b []byte) byte {
	return byte(max(0, min(int16(c.order.Uint16(b)), 255)))
}

// wide is a number of 32 bits as a level: like Pillow's I and F, cut off at 0
// and 255 and not scaled, since nobody knows its range.
func (c *converter) wide(b []byte) byte {
	var v float64
	switch {
	case c.predictor == floatingPoints: // big-endian, see undoFloats
		v = float64(math.Float32frombits(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])))
	case c.format == float:
		v = float64(math.Float32frombits(c.order.Uint32(b)))
	default: // Pillow reads unsigned numbers as signed ones, too
		v = float64(int32(c.order.Uint32(b)))
	}
	if !(v > 0) { // not a number, too
		return 0
	}
	return byte(min(v, 255))
}

// divide undoes the multiplication with alpha.
func divide(dst []byte, alpha byte) {
	if alpha == 0 || alpha == 255 {
		return
	}
	for i, v := range dst[:3] {
		dst[i] = byte(min(255*int(v)/int(alpha), 255))
	}
}

// ycbcrRow converts row y of pixels that share chroma: subH·subV luma samples,
// then Cb and Cr (TIFF 6.0, section 21). Chroma is repeated, not interpolated,
// and mixed with libtiff's fixed-point numbers.
func (c *converter) ycbcrRow(dst, block []byte, y int) {
	unit := c.subH*c.subV + 2
	src := block[y/c.subV*c.line:][:c.line]
	for x := 0; 3*x < len(dst); x++ {
		u := src[x/c.subH*unit:][:unit]
		l := int32(u[y%c.subV*c.subH+x%c.subH])
		cb, cr := int32(u[unit-2])-128, int32(u[unit-1])-128
		d := dst[3*x : 3*x+3]
		d[0] = clip(l + (91881*cr+1<<15)>>16)
		d[1] = clip(l + (-46802*cr-22554*cb+1<<15)>>16)
		d[2] = clip(l + (116130*cb+1<<15)>>16)
	}
}

func clip(v int32) byte { return byte(max(0, min(v, 255))) }
