package tiff

import (
	"bytes"
	"fmt"

	"github.com/whippet-ml/whippet/internal/jpeg"
	"github.com/whippet-ml/whippet/internal/unsupported"
)

// decodeJPEG decodes a picture whose blocks are JPEG data, the tables often
// standing once for all in the directory (Adobe's TIFF Technical Note 2).
func (p *picture) decodeJPEG(pix []uint8) error {
	var tables []byte
	if e := p.entries[tagJPEGTables]; len(e.raw) >= 4 {
		tables = bytes.TrimSuffix(e.raw[2:], []byte{0xff, 0xd9})
	}
	planes := 1
	if p.planar {
		planes = p.samples
	}
	var buf []uint8
	for s := range planes {
		for i := range p.across * p.down {
			src, rows, err := p.block(s*p.across*p.down + i)
			if err != nil {
				return err
			}
			b, err := p.complete(src, tables)
			if err != nil {
				return err
			}
			head, err := jpeg.ReadHeader(b)
			if err != nil {
				return err
			}
			if head.Width > p.bw || head.Height > p.bh {
				return fmt.Errorf("block %d of %d×%d pixels holds a JPEG of %d×%d", i, p.bw, p.bh, head.Width, head.Height)
			}
			x0, y0 := i%p.across*p.bw, i/p.across*p.bh
			w, h := min(p.bw, p.w-x0), min(rows, p.h-y0)
			if head.Width < w || head.Height < h {
				return fmt.Errorf("block %d of %d×%d pixels holds a JPEG of only %d×%d", i, w, h, head.Width, head.Height)
			}
			if planes == 1 && head.Components != p.samples || planes > 1 && head.Components != 1 {
				return fmt.Errorf("block %d holds a JPEG of %d components; the directory has %d samples", i, head.Components, p.samples)
			}
			decode := jpeg.Decode
			if p.photometric == cmyk {
				decode = jpeg.DecodeInks
			}
			err = decode(b, false, func(jw, jh int) []uint8 {
				if n := 3 * jw * jh; cap(buf) < n {
					buf = make([]uint8, n)
				}
				return buf[:3*jw*jh]
			})
			if err != nil {
				return err
			}
			for y := range h {
				dst, row := pix[3*((y0+y)*p.w+x0):][:3*w], buf[3*y*head.Width:][:3*w]
				switch {
				case planes > 1:
					for x := s; x < len(dst); x += 3 {
						dst[x] = row[x]
					}
				case p.photometric == whiteIsZero:
					for x, v := range row {
						dst[x] = 255 - v
					}
				default:
					copy(dst, row)
				}
			}
		}
	}
	return nil
}

// complete makes a JPEG file of a block: with the tables, and with a marker that
// says which color space the directory told.
func (p *picture) complete(src, tables []byte) ([]byte, error) {
	if len(src) < 4 || src[0] != 0xff || src[1] != 0xd8 {
		return nil, fmt.Errorf("a block of the pixels holds no JPEG: %w", errCut)
	}
	b := make([]byte, 0, len(src)+len(tables)+32)
	b = append(b, 0xff, 0xd8)
	if p.samples == 3 && !p.planar {
		transform := byte(0)
		if p.photometric == ycbcr {
			transform = 1
		}
		// Adobe's APP14 segment: version 100, two flags, the transform.
		b = append(b, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, transform)
	}
	b = append(b, tables...)
	return append(b, src[2:]...), nil
}

// decodeOldJPEG decodes JPEG as TIFF 6.0 first had it, where the whole file stands
// in one place (section 22, JPEGInterchangeFormat).
func (p *picture) decodeOldJPEG(pix []uint8) error {
	size := uint64(len(p.file))
	at := p.at(tagJPEGFile, 0, size)
	if at >= size {
		return unsupported.Errorf("JPEG of TIFF 6.0, which its makers withdrew in 1995, is supported where it is whole in one place, and not in parts as here; convert it")
	}
	src := p.file[at:]
	if n := p.at(tagJPEGFileLength, 0, 0); n > 0 && n < uint64(len(src)) {
		src = src[:n]
	}
	b, err := p.complete(src, nil)
	if err != nil {
		return err
	}
	head, err := jpeg.ReadHeader(b)
	if err != nil {
		return err
	}
	if head.Width != p.w || head.Height != p.h || head.Components != p.samples {
		return fmt.Errorf("the picture of %d×%d pixels in %d samples is a JPEG of %d×%d in %d", p.w, p.h, p.samples, head.Width, head.Height, head.Components)
	}
	return jpeg.Decode(b, false, func(int, int) []uint8 { return pix })
}
