package hevc

// limitTC and limitBeta are table 8-12.
var (
	limitTC = [54]uint8{18: 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 20, 22, 24}

	limitBeta = [52]uint8{
		16: 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36,
		38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62, 64,
	}
)

// deblock smooths the edges of blocks (8.7.2): all that are vertical, then all
// that are horizontal. In a picture of intra prediction each edge of a transform
// block on a grid of 8 samples is of the strength 2.
func (p *picture) deblock(s *sequence, set *pictureSet) {
	for _, h := range p.slices {
		if !h.deblockOff {
			p.deblockEdges(s, set, true)
			p.deblockEdges(s, set, false)
			return
		}
	}
}

func (p *picture) deblockEdges(s *sequence, set *pictureSet, vertical bool) {
	bit, back := uint8(edgeTop), p.width
	if vertical {
		bit, back = edgeLeft, 1
	}
	// Chroma is filtered on a grid of 8 of its own samples.
	grid := 8 << s.shiftY
	if vertical {
		grid = 8 << s.shiftX
	}
	for by := range p.height {
		for bx := range p.width {
			at := by*p.width + bx
			if p.edges[at]&bit == 0 {
				continue
			}
			pos := 4 * by
			if vertical {
				pos = 4 * bx
			}
			if pos == 0 || pos&7 != 0 || !p.filtered(set, bx, by, vertical) {
				continue
			}
			h := p.slices[p.sliceOf[by<<2>>p.log2CTB*p.widthCTB+bx<<2>>p.log2CTB]]
			qp := (int(p.qp[at]) + int(p.qp[at-back]) + 1) >> 1
			keepP, keepQ := p.edges[at-back]&unchanged != 0, p.edges[at]&unchanged != 0
			p.deblockLuma(4*bx, 4*by, vertical, qp, h, keepP, keepQ)
			if s.chroma != 0 && pos%grid == 0 {
				for c, offset := range [2]int{set.cbOffset, set.crOffset} {
					q := chromaQP(qp+offset, s.chroma)
					tc := int32(limitTC[max(0, min(q+2+h.tc, 53))]) << (s.depthC - 8)
					p.deblockChroma(c+1, 4*bx>>s.shiftX, 4*by>>s.shiftY, vertical, tc, 4>>s.shiftX, 4>>s.shiftY, keepP, keepQ)
				}
			}
		}
	}
}

// filtered reports whether the edge before a block may be filtered: its slice is,
// and slice and tile filter across their bounds.
func (p *picture) filtered(set *pictureSet, bx, by int, vertical bool) bool {
	shift := p.log2CTB - 2
	q := by>>shift*p.widthCTB + bx>>shift
	if vertical {
		bx--
	} else {
		by--
	}
	before := by>>shift*p.widthCTB + bx>>shift
	h := p.slices[p.sliceOf[q]]
	if h.deblockOff {
		return false
	}
	if q == before {
		return true
	}
	if !set.filterAcrossTiles && set.tileOf[q] != set.tileOf[before] {
		return false
	}
	// The bound is the upper or left one of the slice that comes later.
	if other := p.slices[p.sliceOf[before]]; other.start != h.start {
		later := h
		if set.toTile[other.start] > set.toTile[h.start] {
			later = other
		}
		return later.filterAcross
	}
	return true
}

// deblockLuma filters four lines across an edge (8.7.2.5.3, 8.7.2.5.6, 8.7.2.5.7).
func (p *picture) deblockLuma(x, y int, vertical bool, qp int, h *slice, keepP, keepQ bool) {
	pl := &p.planes[0]
	step, line := pl.Stride, 1 // across the edge, and along it
	if vertical {
		step, line = 1, pl.Stride
	}
	beta := int32(limitBeta[max(0, min(qp+h.beta, 51))]) << (pl.Depth - 8)
	tc := int32(limitTC[max(0, min(qp+2+h.tc, 53))]) << (pl.Depth - 8)
	at := y*pl.Stride + x
	v := pl.Pix
	get := func(i, k int) int32 { return int32(v[at+i*step+k*line]) }
	bend := func(i, k int) int32 { // second difference at the i-th sample, of line k
		d := get(i-1, k) - 2*get(i, k) + get(i+1, k)
		return max(d, -d)
	}
	dp0, dp3, dq0, dq3 := bend(-2, 0), bend(-2, 3), bend(1, 0), bend(1, 3)
	if dp0+dq0+dp3+dq3 >= beta {
		return
	}
	strong := func(k int, d int32) bool {
		p0, p3, q0, q3 := get(-1, k), get(-4, k), get(0, k), get(3, k)
		return 2*d < beta>>2 && absolute(p3-p0)+absolute(q0-q3) < beta>>3 && absolute(p0-q0) < (5*tc+1)>>1
	}
	top := int32(1)<<pl.Depth - 1
	set := func(i, k int, x int32) { v[at+i*step+k*line] = uint16(max(0, min(x, top))) }
	if strong(0, dp0+dq0) && strong(3, dp3+dq3) {
		for k := range 4 {
			p3, p2, p1, p0, q0, q1, q2, q3 := get(-4, k), get(-3, k), get(-2, k), get(-1, k), get(0, k), get(1, k), get(2, k), get(3, k)
			if !keepP {
				set(-1, k, near(p0, (p2+2*p1+2*p0+2*q0+q1+4)>>3, 2*tc))
				set(-2, k, near(p1, (p2+p1+p0+q0+2)>>2, 2*tc))
				set(-3, k, near(p2, (2*p3+3*p2+p1+p0+q0+4)>>3, 2*tc))
			}
			if !keepQ {
				set(0, k, near(q0, (p1+2*p0+2*q0+2*q1+q2+4)>>3, 2*tc))
				set(1, k, near(q1, (p0+q0+q1+q2+2)>>2, 2*tc))
				set(2, k, near(q2, (p0+q0+q1+3*q2+2*q3+4)>>3, 2*tc))
			}
		}
		return
	}
	side := (beta + beta>>1) >> 3
	moreP, moreQ := dp0+dp3 < side && !keepP, dq0+dq3 < side && !keepQ
	for k := range 4 {
		p2, p1, p0, q0, q1, q2 := get(-3, k), get(-2, k), get(-1, k), get(0, k), get(1, k), get(2, k)
		delta := (9*(q0-p0) - 3*(q1-p1) + 8) >> 4
		if absolute(delta) >= 10*tc {
			continue
		}
		delta = near(0, delta, tc)
		if !keepP {
			set(-1, k, p0+delta)
		}
		if !keepQ {
			set(0, k, q0-delta)
		}
		if moreP {
			set(-2, k, p1+near(0, ((p2+p0+1)>>1-p1+delta)>>1, tc>>1))
		}
		if moreQ {
			set(1, k, q1+near(0, ((q2+q0+1)>>1-q1-delta)>>1, tc>>1))
		}
	}
}

// deblockChroma filters the lines of a block of w×h samples across an edge (8.7.2.5.8).
func (p *picture) deblockChroma(c, x, y int, vertical bool, tc int32, w, h int, keepP, keepQ bool) {
	pl := &p.planes[c]
	step, line, n := pl.Stride, 1, w
	if vertical {
		step, line, n = 1, pl.Stride, h
	}
	top := int32(1)<<pl.Depth - 1
	for k := range n {
		at := y*pl.Stride + x + k*line
		p1, p0, q0, q1 := int32(pl.Pix[at-2*step]), int32(pl.Pix[at-step]), int32(pl.Pix[at]), int32(pl.Pix[at+step])
		delta := near(0, ((q0-p0)<<2+p1-q1+4)>>3, tc)
		if !keepP {
			pl.Pix[at-step] = uint16(max(0, min(p0+delta, top)))
		}
		if !keepQ {
			pl.Pix[at] = uint16(max(0, min(q0-delta, top)))
		}
	}
}

// near is v, at most by far away from x.
func near(x, v, far int32) int32 { return max(x-far, min(v, x+far)) }

func absolute(v int32) int32 { return max(v, -v) }
