package jpeg

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/unsupported"
)

// component is one plane of the picture.
type component struct {
	id     byte
	h, v   int // sampling factors
	tq     byte
	seen   bool // has had a scan
	bw, bh int  // size of the plane in blocks, whole MCUs
	w, ht  int  // size in samples that belong to the picture

	plane []uint8 // [8·bh][8·bw] samples
	coef  []int16 // [bh][bw][64] in natural order, for progressive pictures

	wide []uint8 // one row at full resolution, see upsampled

	dc, ac int   // tables of the current scan
	pred   int32 // the last block's DC value

	context uint8 // of the next DC difference, in arithmetic coding
}

// decoder holds one picture's state; its buffers are reused.
type decoder struct {
	bits
	w, h        int
	progressive bool
	arithCoded  bool // else Huffman codes
	arith       arithmetic
	comps       []component
	store       [4]component
	hmax, vmax  int
	mx, my      int // MCUs per row, rows of MCUs

	quant    [4][64]int32 // natural order
	quantSet [4]bool
	dcTab    [4]huffman
	acTab    [4]huffman
	scans    int   // so far
	visits   int64 // coefficients that they went through
	empty    bool  // no data is left for the current MCU
	interval int   // MCUs between restarts, 0 for none

	jfif, adobe bool
	inks        bool // four components are inks as they are; see DecodeInks
	transform   byte
	trouble     string // the first sign of corrupt data

	sums []int32 // scratch of upsampling
}

var decoders mem.Pool[decoder]

// keepBytes is the most memory of one plane that a decoder keeps for the next
// picture.
const keepBytes = 16 << 20

// release gives the decoder back for reuse.
func (d *decoder) release() {
	d.data = nil
	for i := range d.store {
		c := &d.store[i]
		if cap(c.plane) > keepBytes || 2*cap(c.coef) > keepBytes {
			c.plane, c.coef = nil, nil
		}
	}
	decoders.Put(d)
}

// reset prepares the decoder for another picture and keeps its buffers.
func (d *decoder) reset(b []byte) {
	d.bits = bits{data: b}
	d.w, d.h, d.progressive, d.arithCoded = 0, 0, false, false
	d.arith.condition()
	d.comps = nil
	d.quantSet = [4]bool{}
	for i := range d.dcTab {
		d.dcTab[i].set, d.acTab[i].set = false, false
	}
	d.scans, d.visits = 0, 0
	d.interval, d.jfif, d.adobe, d.inks, d.transform, d.trouble = 0, false, false, false, 0, ""
}

// frame reads a frame header (T.81 B.2.2).
func (d *decoder) frame(marker byte, s []byte) error {
	switch marker {
	case mSOF0, mSOF1:
	case mSOF2:
		d.progressive = true
	case 0xc3, 0xc7, 0xcb, 0xcf:
		return unsupported.Errorf("lossless JPEG is not supported; convert it")
	case mSOF9:
		d.arithCoded = true
	case mSOF10:
		d.arithCoded, d.progressive = true, true
	default:
		return unsupported.Errorf("hierarchical JPEG is not supported; convert it")
	}
	if len(d.comps) > 0 {
		return errors.New("more than one frame header")
	}
	if len(s) < 6 || len(s) < 6+3*int(s[5]) {
		return fmt.Errorf("frame header of %d bytes is too short", len(s))
	}
	if s[0] != 8 {
		return unsupported.Errorf("%d-bit samples are not supported, only 8-bit; convert it", s[0])
	}
	d.h, d.w = int(s[1])<<8|int(s[2]), int(s[3])<<8|int(s[4])
	n := int(s[5])
	if d.w == 0 || d.h == 0 {
		return fmt.Errorf("the frame header declares %d×%d pixels", d.w, d.h)
	}
	if n != 1 && n != 3 && n != 4 {
		return unsupported.Errorf("%d color components are not supported; want 1, 3 or 4", n)
	}
	d.hmax, d.vmax = 1, 1
	for i := range n {
		c := &d.store[i]
		p := s[6+3*i:]
		*c = component{id: p[0], h: int(p[1] >> 4), v: int(p[1] & 15), tq: p[2], plane: c.plane, coef: c.coef, wide: c.wide}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return fmt.Errorf("component %d has sampling factors %d×%d; each must be 1 to 4", c.id, c.h, c.v)
		}
		if c.tq > 3 {
			return fmt.Errorf("component %d asks for quantization table %d; there are 0 to 3", c.id, c.tq)
		}
		for j := range i {
			if d.store[j].id == c.id {
				return fmt.Errorf("two components have the identifier %d", c.id)
			}
		}
		d.hmax, d.vmax = max(d.hmax, c.h), max(d.vmax, c.v)
	}
	d.comps = d.store[:n]
	if n == 1 { // a single component is never interleaved; its factors mean nothing
		d.comps[0].h, d.comps[0].v, d.hmax, d.vmax = 1, 1, 1, 1
	}
	d.mx, d.my = ceilDiv(d.w, 8*d.hmax), ceilDiv(d.h, 8*d.vmax)
	for i := range d.comps {
		c := &d.comps[i]
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return unsupported.Errorf("component %d has sampling factors %d×%d beside %d×%d: fractions are not supported", c.id, c.h, c.v, d.hmax, d.vmax)
		}
		c.bw, c.bh = d.mx*c.h, d.my*c.v
		c.w, c.ht = ceilDiv(d.w*c.h, d.hmax), ceilDiv(d.h*c.v, d.vmax)
	}
	return nil
}

// allocate makes the planes, when the first scan begins. Every block takes at
// least one bit of data in a progressive picture and two otherwise, so a file
// too short for its declared size is refused before memory is spent on it.
func (d *decoder) allocate() error {
	blocks := 0
	for i := range d.comps {
		blocks += ceilDiv(d.comps[i].w, 8) * ceilDiv(d.comps[i].ht, 8)
	}
	if !d.progressive {
		blocks *= 2
	}
	if d.arithCoded {
		blocks >>= 14 // a decision takes 2⁻¹⁵ bits at least, a block one or two
	}
	if blocks/8 > len(d.data) {
		return fmt.Errorf("%d bytes are too few for %d×%d pixels: %w", len(d.data), d.w, d.h, errTruncated)
	}
	for i := range d.comps {
		c := &d.comps[i]
		n := 64 * c.bw * c.bh
		c.plane = grow(c.plane, n)
		if d.progressive {
			c.coef = grow(c.coef, n)
			clear(c.coef)
		}
	}
	return nil
}

// quantTables reads quantization tables (T.81 B.2.4.1).
func (d *decoder) quantTables(s []byte) error {
	for len(s) > 0 {
		id, wide := s[0]&15, s[0]>>4
		if id > 3 || wide > 1 {
			return fmt.Errorf("quantization table number %d of precision %d; want 0 to 3, 0 or 1", id, wide)
		}
		n := 64 << wide
		if len(s) < 1+n {
			return fmt.Errorf("quantization table of %d bytes, want %d", len(s)-1, n)
		}
		for k := range 64 {
			v := int32(s[1+k<<wide])
			if wide != 0 {
				v = v<<8 | int32(s[2+2*k])
			}
			d.quant[id][zigzag[k]] = v
		}
		d.quantSet[id] = true
		s = s[1+n:]
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// zigzag[k] is the natural (row-major) index of the k-th coefficient of a
// block as it is stored (T.81 figure A.6).
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}
