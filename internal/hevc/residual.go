package hevc

// significantContext maps the position in a 4×4 block to the context (table 9-50).
var significantContext = [16]uint8{0, 1, 4, 5, 2, 3, 4, 5, 6, 6, 8, 8, 7, 7, 8, 8}

// nearContext is the context of a position y*4+x in a 4×4 sub-block, by whether
// the sub-blocks right (1) and below (2) have coefficients (9.3.4.2.5).
var nearContext = [4][16]uint8{
	{2, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
	{2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0},
	{2, 1, 0, 0, 2, 1, 0, 0, 2, 1, 0, 0, 2, 1, 0, 0},
	{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
}

// block is what is known of a transform block while its coefficients are parsed.
type block struct {
	c, log2, mode, scan int
	skip                bool // transform_skip_flag
	rdpcm               bool // residuals are differences along the direction of prediction
	maxX, maxY          int  // the largest positions with coefficients
}

// residualOf parses the coefficients of a block (7.3.8.11) and makes d.residual of them.
func (d *Decoder) residualOf(c, x, y, log2, mode int) {
	s, state := d.s, &d.models.state
	b := block{c: c, log2: log2, mode: mode}
	chroma := min(c, 1)
	if log2 == 2 || log2 == 3 && (c == 0 || s.chroma == 3) {
		switch {
		case mode >= 6 && mode <= 14:
			b.scan = 2
		case mode >= 22 && mode <= 30:
			b.scan = 1
		}
	}
	if d.set.skip && !d.cu.bypass && log2 <= d.set.log2MaxSkip {
		b.skip = d.c.flag(&state[ctxSkip+chroma])
	}
	b.rdpcm = s.implicitRDPCM && (b.skip || d.cu.bypass) && (mode == 10 || mode == 26)
	d.parseCoefficients(&b)
	switch {
	case d.cu.bypass:
		n := 1 << log2
		copy(d.residual[:n*n], d.coeff[:n*n])
		d.rotate(&b)
		d.accumulate(&b)
	default:
		d.dequantize(&b)
		d.inverse(&b)
	}
	if c == 0 && d.set.crossComponent {
		copy(d.luma[:], d.residual[:1<<(2*log2)])
	}
}

// lastPrefix parses the prefix of the position of the last coefficient.
func (d *Decoder) lastPrefix(at, c, log2 int) int {
	offset, shift := 3*(log2-2)+(log2-1)>>2, (log2+1)>>2
	if c > 0 {
		offset, shift = 15, log2-2
	}
	v := 0
	for v < 2*log2-1 && d.c.flag(&d.models.state[at+offset+v>>shift]) {
		v++
	}
	return v
}

// lastSuffix completes a position by its prefix.
func (d *Decoder) lastSuffix(v int) int {
	if v < 4 {
		return v
	}
	n := v>>1 - 1
	return 1<<n*(2+v&1) + d.c.bypassBits(n)
}

func (d *Decoder) parseCoefficients(b *block) {
	n, log2, state := 1<<b.log2, b.log2, &d.models.state
	clear(d.coeff[:n*n])
	lastX := d.lastPrefix(ctxLastX, b.c, log2)
	lastY := d.lastPrefix(ctxLastY, b.c, log2)
	lastX, lastY = d.lastSuffix(lastX), d.lastSuffix(lastY)
	if b.scan == 2 {
		lastX, lastY = lastY, lastX
	}
	if lastX >= n || lastY >= n {
		d.bad = true
		return
	}
	subs, within := subBlockScan(log2, b.scan), &scans4[b.scan]
	log2Subs := log2 - 2
	side := 1 << log2Subs
	last, pos := 0, 0
	for int(subs[last]) != lastY>>2<<log2Subs+lastX>>2 {
		last++
	}
	for int(within[pos]) != lastY&3<<2+lastX&3 {
		pos++
	}
	chroma := min(b.c, 1)
	flags := ctxSignificant + 27*chroma
	skipped := d.s.skipContext && (b.skip || d.cu.bypass)
	hide := d.set.signHiding && !d.cu.bypass && !b.rdpcm
	riceKind := 2 * (1 - chroma)
	if b.skip || d.cu.bypass {
		riceKind++
	}
	var codedSubs [8][8]bool
	greater1 := 1
	for i := last; i >= 0; i-- {
		sx, sy := int(subs[i])&(side-1), int(subs[i])>>log2Subs
		near := 0
		if sx+1 < side && codedSubs[sy][sx+1] {
			near = 1
		}
		if sy+1 < side && codedSubs[sy+1][sx] {
			near |= 2
		}
		coded, infer := true, false
		if i < last && i > 0 {
			coded = d.c.flag(&state[ctxSubBlock+min(near, 1)+2*chroma])
			infer = true
		}
		if !coded {
			continue
		}
		codedSubs[sy][sx] = true
		// Positions of coefficients that are not zero, in the order of coding.
		var found [16]uint8
		count := 0
		from := 15
		if i == last {
			found[0], count, from = uint8(pos), 1, pos-1
		}
		base := 0 // of the contexts of this sub-block
		switch {
		case log2 == 2:
		case chroma == 0:
			if i > 0 {
				base = 3
			}
			if log2 > 3 {
				base += 21
			} else if b.scan == 0 {
				base += 9
			} else {
				base += 15
			}
		case log2 == 3:
			base = 9
		default:
			base = 12
		}
		for k := from; k >= 0; k-- {
			if k == 0 && infer {
				found[count] = 0
				count++
				break
			}
			ctx := 0
			switch at := within[k]; {
			case skipped:
				ctx = ctxSignificant + 42 + chroma
			case log2 == 2:
				ctx = flags + int(significantContext[at])
			case k == 0 && i == 0:
				ctx = flags
			default:
				ctx = flags + base + int(nearContext[near][at])
			}
			if d.c.flag(&state[ctx]) {
				found[count] = uint8(k)
				count++
				infer = false
			}
		}
		if count == 0 {
			continue
		}
		set := 0
		if i > 0 && chroma == 0 {
			set = 2
		}
		if i != last && greater1 == 0 {
			set++
		}
		greater1 = 1
		var level [16]int32
		second := -1 // the coefficient that has a flag of being above 2
		for k := range count {
			level[k] = 1
			if k >= 8 {
				continue
			}
			if d.c.flag(&state[ctxGreater1+16*chroma+4*set+greater1]) {
				level[k] = 2
				greater1 = 0
				if second < 0 {
					second = k
				}
			} else if greater1 > 0 && greater1 < 3 {
				greater1++
			}
		}
		if second >= 0 && d.c.flag(&state[ctxGreater2+4*chroma+set]) {
			level[second] = 3
		}
		hidden := hide && int(found[0])-int(found[count-1]) > 3
		signs, bits := 0, count
		if hidden {
			bits--
		}
		signs = d.c.bypassBits(bits) << (16 - bits)
		d.remaining(&level, count, second, riceKind)
		sum := int32(0)
		for k := range count {
			v := level[k]
			sum += v
			if signs>>(15-k)&1 == 1 {
				v = -v
			}
			if hidden && k == count-1 && sum&1 == 1 {
				v = -v
			}
			at := int(within[found[k]])
			px, py := sx<<2+at&3, sy<<2+at>>2
			b.maxX, b.maxY = max(b.maxX, px), max(b.maxY, py)
			d.coeff[py<<log2+px] = max(-32768, min(v, 32767))
		}
	}
}

// remaining parses what is left of levels beyond their flags (9.3.3.11).
func (d *Decoder) remaining(level *[16]int32, count, second, riceKind int) {
	rice, adapt := 0, d.s.persistentRice
	if adapt {
		rice = int(d.models.rice[riceKind]) / 4
	}
	first := true
	for k := range count {
		// The level up to which the flags tell it.
		limit := int32(1)
		if k == second {
			limit = 3
		} else if k < 8 {
			limit = 2
		}
		if level[k] < limit {
			continue
		}
		prefix := 0
		for d.c.bypass() == 1 {
			if prefix++; prefix > 20 {
				d.bad = true
				return
			}
		}
		v := 0
		if prefix <= 3 {
			v = prefix<<rice + d.c.bypassBits(rice)
		} else {
			v = (1<<(prefix-3)+3-1)<<rice + d.c.bypassBits(prefix-3+rice)
		}
		level[k] = int32(min(int(level[k])+v, 1<<20))
		if int(level[k]) > 3<<rice && (adapt || rice < 4) {
			rice = min(rice+1, 20)
		}
		if first && adapt {
			stat := &d.models.rice[riceKind]
			if v >= 3<<(*stat/4) {
				*stat = min(*stat+1, 80)
			} else if 2*v < 1<<(*stat/4) && *stat > 0 {
				*stat--
			}
		}
		first = false
	}
}
