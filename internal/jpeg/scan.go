package jpeg

import (
	"errors"
	"fmt"
)

// scanParams is a scan header's (T.81 B.2.3): which coefficients the scan
// brings, ss to se in zigzag order, and which of their bits, from al up; ah is
// al of the scan that it refines, or 0.
type scanParams struct {
	comps  [4]*component
	n      int
	ss, se int
	ah, al uint
}

// maxScans is far above what encoders write: ten, and at most some dozens.
const maxScans = 200

func (d *decoder) scanHeader(s []byte) (p scanParams, err error) {
	if len(d.comps) == 0 {
		return p, errors.New("a scan before the frame header")
	}
	if len(s) < 1 || len(s) < 4+2*int(s[0]) {
		return p, fmt.Errorf("scan header of %d bytes is too short", len(s))
	}
	p.n = int(s[0])
	if p.n < 1 || p.n > len(d.comps) {
		return p, fmt.Errorf("a scan of %d components; the picture has %d", p.n, len(d.comps))
	}
	blocks := 0
	for i := range p.n {
		id, tables := s[1+2*i], s[2+2*i]
		for j := range d.comps {
			if d.comps[j].id == id {
				p.comps[i] = &d.comps[j]
			}
		}
		c := p.comps[i]
		if c == nil {
			return p, fmt.Errorf("the scan names component %d, which the frame does not have", id)
		}
		for j := range i {
			if p.comps[j] == c {
				return p, fmt.Errorf("the scan names component %d twice", id)
			}
		}
		c.dc, c.ac = int(tables>>4), int(tables&15)
		if c.dc > 3 || c.ac > 3 {
			return p, fmt.Errorf("the scan asks for code tables %d and %d; there are 0 to 3", c.dc, c.ac)
		}
		blocks += c.h * c.v
	}
	if p.n > 1 && blocks > 10 {
		return p, fmt.Errorf("%d blocks in an MCU; 10 are allowed", blocks)
	}
	t := s[1+2*p.n:]
	p.ss, p.se, p.ah, p.al = int(t[0]), int(t[1]), uint(t[2]>>4), uint(t[2]&15)
	if !d.progressive {
		p.ss, p.se, p.ah, p.al = 0, 63, 0, 0
	}
	switch {
	case p.ss > p.se || p.se > 63 || p.ss == 0 && p.se != 0 && d.progressive:
		return p, fmt.Errorf("the scan covers coefficients %d to %d", p.ss, p.se)
	case p.ss > 0 && p.n > 1:
		return p, errors.New("a scan of AC coefficients of several components")
	case p.al > 13 || p.ah != 0 && p.ah != p.al+1:
		return p, fmt.Errorf("the scan refines bit %d to bit %d", p.ah, p.al)
	}
	for i := range p.n {
		c := p.comps[i]
		if !d.arithCoded && p.ss == 0 && p.ah == 0 && !d.dcTab[c.dc].set {
			return p, fmt.Errorf("the scan uses DC Huffman table %d, which is not defined", c.dc)
		}
		if !d.arithCoded && p.se > 0 && !d.acTab[c.ac].set {
			return p, fmt.Errorf("the scan uses AC Huffman table %d, which is not defined", c.ac)
		}
		if !d.quantSet[c.tq] {
			return p, fmt.Errorf("component %d uses quantization table %d, which is not defined", c.id, c.tq)
		}
	}
	return p, nil
}

// scan decodes one scan: the header s and the data that follows.
func (d *decoder) scan(s []byte) error {
	p, err := d.scanHeader(s)
	if err != nil {
		return err
	}
	if d.scans++; d.scans > maxScans {
		// Each may cost as much time as decoding the picture, and hardly a byte.
		return fmt.Errorf("more than %d scans", maxScans)
	}
	if err := d.pay(&p); err != nil {
		return err
	}
	first := true
	for i := range d.comps {
		first = first && !d.comps[i].seen
	}
	if first {
		if err := d.allocate(); err != nil {
			return err
		}
	}
	for i := range p.n {
		p.comps[i].pred = 0
		// An AC scan alone is no picture yet, but its component has begun.
		p.comps[i].seen = true
	}
	d.align()
	d.eof = false
	mx, my := d.mx, d.my
	if p.n == 1 { // not interleaved: an MCU is one block, and padding blocks are absent
		mx, my = ceilDiv(p.comps[0].w, 8), ceilDiv(p.comps[0].ht, 8)
	}
	pr := progress{scanParams: p}
	if d.arithCoded {
		d.begin(&p)
	}
	left := d.interval
	for y := range my {
		for x := range mx {
			if d.interval > 0 && left == 0 {
				d.restart(&pr)
				if d.arithCoded {
					d.begin(&p)
				}
				left = d.interval
			}
			left--
			d.empty = d.starved() || d.arithCoded && d.arith.broken
			if p.n == 1 {
				d.unit(&pr, p.comps[0], x, y)
				continue
			}
			for i := range p.n {
				c := p.comps[i]
				for v := range c.v {
					for h := range c.h {
						d.unit(&pr, c, x*c.h+h, y*c.v+v)
					}
				}
			}
		}
		if d.starved() || d.arithCoded && d.eof {
			if d.eof {
				return fmt.Errorf("row %d of %d: %w", y, my, errTruncated)
			}
			if d.interval == 0 {
				d.warn("the data of a scan ends too early")
			}
		}
	}
	if d.align() {
		d.warn("a scan has more data than its blocks")
	}
	return nil
}

// maxVisits bounds how often scans may come by a coefficient: once for each of
// its 14 bits is what a file can have use for (T.81 G.1.1.1.2).
const maxVisits = 16

// pay counts the coefficients that a scan goes through. A scan that says
// nothing about a large picture takes hundreds of bytes and as long as any, so
// the number of scans alone bounds no time.
func (d *decoder) pay(p *scanParams) error {
	var total int64
	for i := range d.comps {
		total += 64 * int64(d.comps[i].bw) * int64(d.comps[i].bh)
	}
	for i := range p.n {
		d.visits += int64(p.se-p.ss+1) * int64(p.comps[i].bw) * int64(p.comps[i].bh)
	}
	if d.visits > maxVisits*total {
		return fmt.Errorf("the scans bring every coefficient more than %d times", maxVisits)
	}
	return nil
}

// unit decodes one block of a scan. Where the data has run out the block
// stays as it is: zero, which is mid-gray, in a sequential picture.
func (d *decoder) unit(p *progress, c *component, bx, by int) {
	if d.progressive {
		if d.empty {
			return
		}
		if d.arithCoded {
			d.arithProgressive(p, c, (*[64]int16)(c.coef[64*(by*c.bw+bx):]))
			return
		}
		d.progressiveBlock(p, c, (*[64]int16)(c.coef[64*(by*c.bw+bx):]))
		return
	}
	var b [64]int32
	mask := uint64(1)
	switch {
	case d.empty:
	case d.arithCoded:
		mask = d.arithBlock(c, &b)
	default:
		mask = d.baselineBlock(c, &b)
	}
	idct(&b, mask, c.plane[8*(by*8*c.bw+bx):], 8*c.bw)
}

// restart reads a restart marker, resets the predictions and, where markers
// are missing or doubled, resynchronizes as libjpeg does: a marker a little
// ahead is left for later, and its blocks stay empty; one a little behind is
// skipped.
func (d *decoder) restart(p *progress) {
	if d.starved() {
		d.warn("the data of a restart interval ends too early")
	}
	want := p.restarts & 7
	p.restarts++
	p.eobrun = 0
	for i := range p.n {
		p.comps[i].pred = 0
	}
	if d.align() {
		d.warn("a restart interval has more data than its blocks")
	}
	for {
		m, skipped, err := d.next()
		if err != nil {
			d.pos, d.eof = len(d.data), true
			return
		}
		if skipped > 0 {
			d.warn("%d bytes before a restart marker belong to nothing", skipped)
		}
		if m < mRST0 || m > mRST7 {
			d.pos -= 2 // the picture ends, or another segment begins
			d.warn("a restart marker is missing")
			return
		}
		switch ahead := (int(m-mRST0) - want) & 7; ahead {
		case 0:
			return
		case 1, 2:
			d.pos -= 2
			d.warn("a restart marker is missing")
			return
		default:
			d.warn("a restart marker comes too late")
		}
	}
}

// baselineBlock decodes one block of a sequential scan into b, which is zero,
// dequantized and in natural order (T.81 F.2.2). Bit i of mask is set where
// coefficient i may be other than zero.
func (d *decoder) baselineBlock(c *component, b *[64]int32) (mask uint64) {
	dc, ac, q := &d.dcTab[c.dc], &d.acTab[c.ac], &d.quant[c.tq]
	if d.n < 32 {
		d.fill()
	}
	size := uint(d.decode(dc) & 15)
	if size > 0 {
		if d.n < 16 {
			d.fill()
		}
		c.pred += extend(uint32(d.acc>>(64-size)), size)
		d.acc <<= size
		d.n -= int(size)
	}
	b[0] = dequantize(c.pred, q[0])
	mask = 1
	acc, n := d.acc, d.n
	for k := 1; k < 64; {
		if n < 32 {
			d.acc, d.n = acc, n
			d.fill()
			acc, n = d.acc, d.n
		}
		e := ac.whole[acc>>(64-look)]
		if e != 0 {
			acc <<= uint(e) & 63 // below 64 as it is; the mask spares a comparison
			n -= int(e & 63)
			k += int(e >> 8 & 0xff)
			if k > 63 {
				break
			}
			z := zigzag[k] & 63
			b[z] = dequantize(e>>16, q[z])
			mask |= 1 << z
			k++
			continue
		}
		s := ac.short[acc>>(64-look)]
		sym, l := byte(s), int(s>>8)
		if l == 0 {
			var ok bool
			if sym, l, ok = ac.find(acc); !ok {
				d.warn("impossible Huffman code")
			}
		}
		acc <<= uint(l) & 63
		n -= l
		run, size := int(sym>>4), uint(sym&15)
		if size == 0 {
			if run != 15 {
				break
			}
			k += 16
			continue
		}
		if k += run; k > 63 {
			d.warn("a block has more than 64 coefficients")
			break
		}
		z := zigzag[k] & 63
		b[z] = dequantize(extend(uint32(acc>>((64-size)&63)), size), q[z])
		mask |= 1 << z
		acc <<= size & 63
		n -= int(size)
		k++
	}
	d.acc, d.n = acc, n
	return mask
}
