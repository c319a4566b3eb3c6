package jpeg

// progress is the state of one scan of a progressive picture.
type progress struct {
	scanParams
	eobrun   int // blocks still to come that the current end-of-band run covers
	restarts int // restart markers so far
}

// progressiveBlock decodes what a scan says of one block (T.81 G.1.2).
func (d *decoder) progressiveBlock(p *progress, c *component, b *[64]int16) {
	switch {
	case p.ss == 0 && p.ah == 0:
		size := uint(d.decode(&d.dcTab[c.dc]) & 15)
		c.pred += extend(d.get(size), size)
		b[0] = int16(c.pred << p.al)
	case p.ss == 0:
		b[0] |= int16(d.get(1) << p.al)
	case p.ah == 0:
		d.acFirst(p, &d.acTab[c.ac], b)
	default:
		d.acRefine(p, &d.acTab[c.ac], b)
	}
}

// acFirst brings coefficients for the first time (T.81 G.1.2.2).
func (d *decoder) acFirst(p *progress, t *huffman, b *[64]int16) {
	if p.eobrun > 0 {
		p.eobrun--
		return
	}
	for k := p.ss; k <= p.se; k++ {
		sym := d.decode(t)
		run, size := int(sym>>4), uint(sym&15)
		if size == 0 {
			if run < 15 {
				p.eobrun = 1<<run - 1 + int(d.get(uint(run)))
				return
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			d.warn("a block has more than 64 coefficients")
			return
		}
		b[zigzag[k]&63] = int16(extend(d.get(size), size) << p.al)
	}
}

// acRefine brings one more bit of coefficients that are known, and first bits
// of others (T.81 G.1.2.3).
func (d *decoder) acRefine(p *progress, t *huffman, b *[64]int16) {
	one := int16(1) << p.al
	k := p.ss
	if p.eobrun == 0 {
		for ; k <= p.se; k++ {
			sym := d.decode(t)
			run, size := int(sym>>4), uint(sym&15)
			var fresh int16
			if size == 0 {
				if run < 15 {
					p.eobrun = 1<<run + int(d.get(uint(run)))
					break
				}
			} else if d.get(1) != 0 {
				fresh = one
			} else {
				fresh = -one
			}
			k = d.skipZeros(p, b, k, run, one)
			if fresh != 0 {
				if k > p.se {
					d.warn("a block has more than 64 coefficients")
					break
				}
				b[zigzag[k]&63] = fresh
			}
		}
	}
	if p.eobrun > 0 {
		d.skipZeros(p, b, k, 64, one)
		p.eobrun--
	}
}

// skipZeros goes from coefficient k to the one after run zeros that is zero
// itself, and refines those that are not zero on its way.
func (d *decoder) skipZeros(p *progress, b *[64]int16, k, run int, one int16) int {
	for ; k <= p.se; k++ {
		c := &b[zigzag[k]&63]
		switch {
		case *c == 0:
			if run == 0 {
				return k
			}
			run--
		case d.get(1) != 0 && *c&one == 0:
			if *c > 0 {
				*c += one
			} else {
				*c -= one
			}
		}
	}
	return k
}

// reconstruct turns the coefficients of a progressive picture into samples.
func (d *decoder) reconstruct() {
	for i := range d.comps {
		c := &d.comps[i]
		q := &d.quant[c.tq]
		for by := range ceilDiv(c.ht, 8) {
			for bx := range ceilDiv(c.w, 8) {
				coef := (*[64]int16)(c.coef[64*(by*c.bw+bx):])
				var b [64]int32
				mask := uint64(1)
				for k, v := range coef {
					if v != 0 {
						b[k] = dequantize(int32(v), q[k])
						mask |= 1 << k
					}
				}
				idct(&b, mask, c.plane[8*(by*8*c.bw+bx):], 8*c.bw)
			}
		}
	}
}
