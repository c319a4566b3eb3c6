package bitmap

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// pnm is a Netpbm picture: P1 to P3 are text, P4 to P6 binary, of one bit, gray
// and RGB; Pf is gray in floating point.
type pnm struct {
	kind     byte // '1' to '6' or 'f'
	w, h     int
	samples  int
	max      int     // the sample that is white
	scale    float64 // of Pf; below 0 for little-endian
	data     []byte
	position int
}

// ReadPNM reads the header of a Netpbm picture.
func ReadPNM(b []byte) (*Picture, error) {
	if len(b) < 3 || b[0] != 'P' {
		return nil, errCut
	}
	p := &pnm{kind: b[1], data: b, position: 2, samples: 1, max: 1}
	switch p.kind {
	case '1', '2', '4', '5', 'f':
	case '3', '6':
		p.samples = 3
	default:
		return nil, unsupported.Errorf("Netpbm's P%c is not supported, only P1 to P6 and Pf; convert it", p.kind)
	}
	var err error
	if p.w, err = p.number("width"); err != nil {
		return nil, err
	}
	if p.h, err = p.number("height"); err != nil {
		return nil, err
	}
	n, err := area(p.w, p.h)
	if err != nil {
		return nil, err
	}
	switch p.kind {
	case '1', '4':
	case 'f':
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		p.scale, err = strconv.ParseFloat(t, 64)
		if err != nil || p.scale == 0 || math.IsInf(p.scale, 0) || math.IsNaN(p.scale) {
			return nil, fmt.Errorf("scale %q; want a number other than 0", t)
		}
	default:
		if p.max, err = p.number("largest value"); err != nil {
			return nil, err
		}
		if p.max < 1 || p.max > 65535 {
			return nil, fmt.Errorf("largest value %d; want 1 to 65535", p.max)
		}
	}
	p.data = b[p.position:]
	out := &Picture{Width: p.w, Height: p.h, have: len(p.data), fill: p.binary}
	n *= int64(p.samples)
	switch {
	case p.kind == '1':
		out.least, out.fill = n, p.digits
	case p.kind <= '3':
		out.least, out.fill = 2*n-1, p.text
	case p.kind == '4':
		out.least, out.fill = (int64(p.w)+7)/8*int64(p.h), p.packed
	case p.kind == 'f':
		out.least, out.fill = 4*n, p.floats
	case p.max > 255:
		out.least = 2 * n
	default:
		out.least = n
	}
	return out, nil
}

func space(c byte) bool { return c == ' ' || c >= 9 && c <= 13 }

// token returns the next word of a header and passes over the one white space
// after it. Comments go from # to the end of the line.
func (p *pnm) token() (string, error) {
	var t []byte
	for len(t) <= 10 {
		if p.position >= len(p.data) {
			break
		}
		c := p.data[p.position]
		p.position++
		switch {
		case space(c):
			if len(t) == 0 {
				continue
			}
			return string(t), nil
		case c == '#':
			n := bytes.IndexAny(p.data[p.position:], "\r\n")
			if n < 0 {
				return "", errCut
			}
			p.position += n + 1
		default:
			t = append(t, c)
		}
	}
	if len(t) > 10 {
		return "", fmt.Errorf("the header has %q where a number of at most 10 characters belongs", t)
	}
	if len(t) == 0 {
		return "", errCut
	}
	return string(t), nil
}

func (p *pnm) number(what string) (int, error) {
	t, err := p.token()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(t, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s %q; want a number", what, t)
	}
	return int(n), nil
}

// level is a sample as one of 8 bits: like Pillow it rounds halves to even, and
// of more than 8 bits of gray the high byte of 16 is kept.
func (p *pnm) level(v int) uint8 {
	if p.max > 255 && p.samples == 1 {
		return uint8(int(min(math.RoundToEven(float64(v)/float64(p.max)*65535), 65535)) >> 8)
	}
	return uint8(min(math.RoundToEven(float64(v)/float64(p.max)*255), 255))
}

// put writes sample i of the file.
func (p *pnm) put(pix []uint8, i int, v uint8) {
	if p.samples == 3 {
		pix[i] = v
		return
	}
	pix[3*i], pix[3*i+1], pix[3*i+2] = v, v, v
}

// digits decodes P1: a digit for each pixel, 1 black, with or without space.
func (p *pnm) digits(pix []uint8) error {
	i := 0
	for at := 0; i < p.w*p.h; at++ {
		if at >= len(p.data) {
			return errCut
		}
		switch c := p.data[at]; {
		case c == '0':
			p.put(pix, i, 255)
			i++
		case c == '1':
			p.put(pix, i, 0)
			i++
		case c == '#':
			for at < len(p.data) && p.data[at] != '\n' && p.data[at] != '\r' {
				at++
			}
		case !space(c):
			return fmt.Errorf("pixel %d is %q; want 0 or 1", i, c)
		}
	}
	return nil
}

// text decodes P2 and P3: decimal numbers with white space between.
func (p *pnm) text(pix []uint8) error {
	p.position = 0
	for i := range p.w * p.h * p.samples {
		t, err := p.token()
		if err != nil {
			return err
		}
		v, err := strconv.ParseUint(t, 10, 31)
		if errors.Is(err, strconv.ErrSyntax) || int(v) > p.max {
			return fmt.Errorf("sample %d is %q; want a number of 0 to %d", i, t, p.max)
		}
		p.put(pix, i, p.level(int(v)))
	}
	return nil
}

// packed decodes P4: 8 pixels a byte, 1 black, rows of whole bytes.
func (p *pnm) packed(pix []uint8) error {
	stride := (p.w + 7) / 8
	for y := range p.h {
		row := p.data[y*stride:]
		for x := range p.w {
			v := uint8(255)
			if row[x/8]>>(7-x%8)&1 != 0 {
				v = 0
			}
			p.put(pix, y*p.w+x, v)
		}
	}
	return nil
}

// binary decodes P5 and P6: samples of one byte, or of two, the high one first.
func (p *pnm) binary(pix []uint8) error {
	n := p.w * p.h * p.samples
	if p.max <= 255 {
		var table [256]uint8
		for v := range table {
			table[v] = p.level(v)
		}
		for i, v := range p.data[:n] {
			p.put(pix, i, table[v])
		}
		return nil
	}
	for i := range n {
		p.put(pix, i, p.level(int(p.data[2*i])<<8|int(p.data[2*i+1])))
	}
	return nil
}

// floats decodes Pf, the lowest row first; like Pillow's F it is cut off at 0
// and 255, and not scaled.
func (p *pnm) floats(pix []uint8) error {
	for y := range p.h {
		for x := range p.w {
			b := p.data[4*(y*p.w+x):]
			n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
			if p.scale < 0 {
				n = le.Uint32(b)
			}
			v := uint8(0)
			if f := math.Float32frombits(n); f > 0 { // false for what is not a number
				v = uint8(min(f, 255))
			}
			p.put(pix, (p.h-1-y)*p.w+x, v)
		}
	}
	return nil
}
