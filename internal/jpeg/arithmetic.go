package jpeg

import "fmt"

// arithmetic decodes the binary decisions of arithmetic coding (T.81 annex D).
// c is the code register: the 16 bits that are compared with the interval a are
// its high half, and new bytes enter below them.
type arithmetic struct {
	c, a   uint32
	ct     int  // shifts until the next byte
	broken bool // an impossible value: the rest of the segment says nothing

	// The state of the estimate for each decision: index into estimates<<1 and
	// the more probable value.
	dcStats [4][64]uint8
	acStats [4][256]uint8
	fixed   uint8 // of decisions that are as good as random

	// Conditioning (T.81 F.1.4.4): bounds of small and large DC differences,
	// and the last of the low AC frequencies.
	lower, upper, kx [4]uint8
}

// condition sets the conditioning's defaults, as a picture begins.
func (r *arithmetic) condition() {
	r.fixed = 113 << 1
	for i := range r.kx {
		r.lower[i], r.upper[i], r.kx[i] = 0, 1, 5
	}
}

// conditioning reads a DAC segment (T.81 B.2.4.3).
func (d *decoder) conditioning(s []byte) error {
	for ; len(s) >= 2; s = s[2:] {
		class, id, v := s[0]>>4, s[0]&15, s[1]
		if class > 1 || id > 3 {
			return fmt.Errorf("conditioning of class %d, number %d; want 0 or 1, 0 to 3", class, id)
		}
		if class == 1 {
			d.arith.kx[id] = v
			continue
		}
		if v&15 > v>>4 {
			return fmt.Errorf("conditioning of DC with the bounds %d and %d", v&15, v>>4)
		}
		d.arith.lower[id], d.arith.upper[id] = v&15, v>>4
	}
	return nil
}

// begin starts a segment: a scan, or what follows a restart marker.
func (d *decoder) begin(p *scanParams) {
	r := &d.arith
	r.dcStats, r.acStats = [4][64]uint8{}, [4][256]uint8{}
	r.broken = false
	for i := range p.n {
		p.comps[i].pred, p.comps[i].context = 0, 0
	}
	r.c, r.a, r.ct = 0, 0x10000, 0
	for range 2 {
		d.byteIn()
		r.c <<= 8
	}
}

// byteIn brings the next byte (T.81 D.2.6); zeros at a marker and at the end.
func (d *decoder) byteIn() {
	if d.pos >= len(d.data) {
		d.eof = true
		return
	}
	b := d.data[d.pos]
	if b == 0xff {
		if d.pos+1 >= len(d.data) {
			d.eof = true
			return
		}
		if d.data[d.pos+1] != 0 {
			return // a marker
		}
		d.pos++ // a stuffed zero: the data byte is ff
	}
	d.pos++
	d.arith.c |= uint32(b) << 8
}

// decide decodes one decision (T.81 D.2.4, D.2.5): 1 or 0.
func (d *decoder) decide(s *uint8) int {
	r := &d.arith
	e := &estimates[*s>>1]
	mps := *s & 1
	qe := uint32(e.qe)
	r.a -= qe
	less := false // the less probable value
	if r.c>>16 < r.a {
		if r.a >= 0x8000 {
			return int(mps)
		}
		less = r.a < qe
	} else {
		less = r.a >= qe
		r.c -= r.a << 16
		r.a = qe
	}
	bit := mps
	if less {
		bit ^= 1
		*s = e.lps<<1 | mps ^ e.flip
	} else {
		*s = e.mps<<1 | mps
	}
	for r.a < 0x8000 {
		if r.ct == 0 {
			d.byteIn()
			r.ct = 8
		}
		r.a <<= 1
		r.c <<= 1
		r.ct--
	}
	return int(bit)
}

// spoiled notes an impossible value. Like libjpeg the rest of the segment is
// passed over.
func (d *decoder) spoiled() {
	d.arith.broken = true
	d.warn("impossible arithmetic code")
}

// magnitude decodes the size of a value (T.81 F.1.4.1.3) whose category m so far is
// known to be at least 1 or 2, from the decisions of stats at i on, and then its
// bits, 14 further. ok is false for a value that cannot be.
func (d *decoder) magnitude(stats []uint8, i, m int) (size int, at int, ok bool) {
	for d.decide(&stats[i]) != 0 {
		if m <<= 1; m == 0x8000 {
			d.spoiled()
			return 0, 0, false
		}
		i++
	}
	return m, i, true
}

// value decodes the bits below the highest of a value of size m, less 1, and
// returns the value with its sign.
func (d *decoder) value(s *uint8, m, sign int) int32 {
	v := m
	for m >>= 1; m != 0; m >>= 1 {
		if d.decide(s) != 0 {
			v |= m
		}
	}
	if v++; sign != 0 {
		v = -v
	}
	return int32(v)
}

// arithDC decodes a DC difference into the component's prediction (T.81 F.2.4.1).
func (d *decoder) arithDC(c *component) (ok bool) {
	r := &d.arith
	stats := r.dcStats[c.dc][:]
	i := int(c.context)
	c.context = 0
	if d.decide(&stats[i]) == 0 {
		return true
	}
	sign := d.decide(&stats[i+1])
	i += 2 + sign
	m := d.decide(&stats[i])
	if m != 0 {
		if m, i, ok = d.magnitude(stats, 20, m); !ok {
			return false
		}
	}
	switch {
	case m < 1<<r.lower[c.dc]>>1:
	case m > 1<<r.upper[c.dc]>>1:
		c.context = uint8(12 + 4*sign)
	default:
		c.context = uint8(4 + 4*sign)
	}
	c.pred = int32(int16(c.pred + d.value(&stats[i+14], m, sign)))
	return true
}

// arithAC decodes the coefficients from ss to se and gives each that is not zero
// to set (T.81 F.2.4.2).
func (d *decoder) arithAC(c *component, ss, se int, set func(k int, v int32)) {
	stats := d.arith.acStats[c.ac][:]
	for k := ss; k <= se; k++ {
		i := 3 * (k - 1)
		if d.decide(&stats[i]) != 0 {
			return // the end of the block
		}
		for d.decide(&stats[i+1]) == 0 {
			i += 3
			if k++; k > se {
				d.spoiled()
				return
			}
		}
		sign := d.decide(&d.arith.fixed)
		i += 2
		m := d.decide(&stats[i])
		if m != 0 && d.decide(&stats[i]) != 0 {
			start := 189
			if k > int(d.arith.kx[c.ac]) {
				start = 217
			}
			var ok bool
			if m, i, ok = d.magnitude(stats, start, m<<1); !ok {
				return
			}
		}
		set(k, d.value(&stats[i+14], m, sign))
	}
}

// arithBlock decodes one block of a sequential scan as baselineBlock does.
func (d *decoder) arithBlock(c *component, b *[64]int32) (mask uint64) {
	q := &d.quant[c.tq]
	if !d.arithDC(c) {
		return 1
	}
	b[0] = dequantize(c.pred, q[0])
	mask = 1
	d.arithAC(c, 1, 63, func(k int, v int32) {
		z := zigzag[k] & 63
		b[z] = dequantize(v, q[z])
		mask |= 1 << z
	})
	return mask
}

// arithProgressive decodes what a scan says of one block (T.81 G.1.3).
func (d *decoder) arithProgressive(p *progress, c *component, b *[64]int16) {
	switch {
	case p.ss == 0 && p.ah == 0:
		if d.arithDC(c) {
			b[0] = int16(c.pred << p.al)
		}
	case p.ss == 0:
		b[0] |= int16(d.decide(&d.arith.fixed)) << p.al
	case p.ah == 0:
		d.arithAC(c, p.ss, p.se, func(k int, v int32) { b[zigzag[k]&63] = int16(v << p.al) })
	default:
		d.arithRefine(p, c, b)
	}
}

// arithRefine brings one more bit of coefficients that are known, and first bits
// of others (T.81 G.1.3.3).
func (d *decoder) arithRefine(p *progress, c *component, b *[64]int16) {
	stats := d.arith.acStats[c.ac][:]
	one := int16(1) << p.al
	last := p.se // the last coefficient that is known
	for last > 0 && b[zigzag[last]&63] == 0 {
		last--
	}
	for k := p.ss; k <= p.se; k++ {
		i := 3 * (k - 1)
		if k > last && d.decide(&stats[i]) != 0 {
			return // the end of the block
		}
		for {
			v := &b[zigzag[k]&63]
			if *v != 0 {
				if d.decide(&stats[i+2]) != 0 {
					if *v < 0 {
						*v -= one
					} else {
						*v += one
					}
				}
				break
			}
			if d.decide(&stats[i+1]) != 0 {
				*v = one
				if d.decide(&d.arith.fixed) != 0 {
					*v = -one
				}
				break
			}
			i += 3
			if k++; k > p.se {
				d.spoiled()
				return
			}
		}
	}
}
