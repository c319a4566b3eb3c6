package hevc

// unit is the coding unit that is being decoded.
type unit struct {
	bypass bool // cu_transquant_bypass_flag
	nxn    bool // four luma blocks, each with its own prediction
	luma   [4]uint8
	chroma [4]uint8 // modes of chroma, as used for prediction
	same   [4]bool  // chroma is predicted as luma is (intra_chroma_pred_mode 4)
}

// tree decodes a coding tree unit (7.3.8.2).
func (d *Decoder) tree(raster, x, y int) {
	p, s := d.p, d.s
	p.sliceOf[raster] = uint16(len(p.slices) - 1)
	p.sao[raster] = [3]offsets{}
	if d.h.saoY || d.h.saoC {
		d.parseOffsets(raster, x, y)
	}
	d.quadtree(x<<s.log2CTB, y<<s.log2CTB, s.log2CTB, 0)
}

// quadtree decodes a coding quadtree (7.3.8.4).
func (d *Decoder) quadtree(x, y, log2, depth int) {
	s, size := d.s, 1<<log2
	split := log2 > s.log2MinCB
	if split && x+size <= s.width && y+size <= s.height {
		n := 0
		if d.p.available(x-1, y) && int(d.p.depth[d.p.at(x-1, y)]) > depth {
			n++
		}
		if d.p.available(x, y-1) && int(d.p.depth[d.p.at(x, y-1)]) > depth {
			n++
		}
		split = d.c.flag(&d.models.state[ctxSplitCU+n])
	}
	if log2 >= d.set.log2QPGroup {
		d.qpCoded = false
		d.predictQP(x, y)
	}
	if d.h.chromaOffsets && log2 >= d.set.log2ChromaQP {
		d.chromaQPCoded = false
	}
	if !split {
		d.codingUnit(x, y, log2, depth)
		return
	}
	half := size / 2
	for i := range 4 {
		if nx, ny := x+i&1*half, y+i>>1*half; nx < s.width && ny < s.height && !d.bad {
			d.quadtree(nx, ny, log2-1, depth+1)
		}
	}
}

// predictQP predicts QpY for the quantization group at (x, y) (8.6.1).
func (d *Decoder) predictQP(x, y int) {
	inside := 1<<d.s.log2CTB - 1
	left, above := d.qpBefore, d.qpBefore
	if x&inside != 0 {
		left = int(d.p.qp[d.p.at(x-1, y)])
	}
	if y&inside != 0 {
		above = int(d.p.qp[d.p.at(x, y-1)])
	}
	d.qpGuess = (left + above + 1) >> 1
	d.qp = d.qpGuess
}

// codingUnit decodes a coding unit (7.3.8.5).
func (d *Decoder) codingUnit(x, y, log2, depth int) {
	s, p, size, state := d.s, d.p, 1<<log2, &d.models.state
	d.cu = unit{}
	if d.set.bypass {
		d.cu.bypass = d.c.flag(&state[ctxBypass])
	}
	if log2 == s.log2MinCB {
		d.cu.nxn = !d.c.flag(&state[ctxPartMode])
	}
	fill(p, p.depth, x, y, size, uint8(depth))
	pcm := !d.cu.nxn && s.pcm && log2 >= s.log2MinPCM && log2 <= s.log2MaxPCM && d.c.terminate()
	if pcm {
		fill(p, p.mode, x, y, size, modeDC)
		d.samples(x, y, log2)
	} else {
		d.parseModes(x, y, size)
		d.transformTree(x, y, x, y, log2, 0, 0, 0, [2]int{})
	}
	if d.cu.bypass || pcm && s.pcmUnfiltered {
		for by := y >> 2; by < min((y+size)>>2, p.height); by++ {
			for bx := x >> 2; bx < min((x+size)>>2, p.width); bx++ {
				p.edges[by*p.width+bx] |= unchanged
			}
		}
	}
	fill(p, p.qp, x, y, size, int8(d.qp))
	d.qpBefore = d.qp
}

// samples reads a unit of PCM samples (7.3.8.7).
func (d *Decoder) samples(x, y, log2 int) {
	s := d.s
	r := &bitReader{b: d.c.b[d.c.at:]}
	for c := range d.p.planes {
		pl := &d.p.planes[c]
		sx, sy, bits := 0, 0, s.pcmDepthY
		if c > 0 {
			sx, sy, bits = s.shiftX, s.shiftY, s.pcmDepthC
		}
		for v := y >> sy; v < (y+1<<log2)>>sy; v++ {
			row := pl.Pix[v*pl.Stride+x>>sx:][:1<<log2>>sx]
			for i := range row {
				row[i] = uint16(r.u(bits) << (pl.Depth - bits))
			}
		}
	}
	if r.short {
		d.bad = true
		return
	}
	d.c.at += (r.at + 7) / 8
	d.c.start()
	d.finished(x, y, log2)
}

// finished marks a transform block as decoded, and its edges.
func (d *Decoder) finished(x, y, log2 int) {
	p, n := d.p, 1<<log2>>2
	fill(p, p.decoded, x, y, 1<<log2, p.region)
	at := p.at(x, y)
	for i := range n {
		p.edges[at+i] |= edgeTop
		p.edges[at+i*p.width] |= edgeLeft
	}
}

// parseModes parses the prediction modes of a unit (7.3.8.5, 8.4.2, 8.4.3).
func (d *Decoder) parseModes(x, y, size int) {
	p, state := d.p, &d.models.state
	parts, side := 1, size
	if d.cu.nxn {
		parts, side = 4, size/2
	}
	var probable [4]bool
	for i := range parts {
		probable[i] = d.c.flag(&state[ctxPrevMode])
	}
	for i := range parts {
		px, py := x+i&1*side, y+i>>1*side
		list := d.probableModes(px, py)
		var mode uint8
		if probable[i] {
			k := d.c.bypass()
			if k == 1 {
				k += d.c.bypass()
			}
			mode = list[k]
		} else {
			if list[0] > list[1] {
				list[0], list[1] = list[1], list[0]
			}
			if list[0] > list[2] {
				list[0], list[2] = list[2], list[0]
			}
			if list[1] > list[2] {
				list[1], list[2] = list[2], list[1]
			}
			mode = uint8(d.c.bypassBits(5))
			for _, m := range list {
				if mode >= m {
					mode++
				}
			}
		}
		d.cu.luma[i] = mode
		fill(p, p.mode, px, py, side, mode)
		// The next part looks at this one.
		fill(p, p.decoded, px, py, side, p.region)
	}
	fill(p, p.decoded, x, y, size, 0)
	if d.s.chroma == 0 {
		return
	}
	if d.s.chroma != 3 {
		parts = 1
	}
	for i := range parts {
		luma, mode := d.cu.luma[i], d.cu.luma[i]
		if d.c.flag(&state[ctxChromaMode]) {
			mode = [4]uint8{modePlanar, 26, 10, modeDC}[d.c.bypassBits(2)]
			if mode == luma {
				mode = 34
			}
		} else {
			d.cu.same[i] = true
		}
		if d.s.chroma == 2 {
			mode = narrow[mode]
		}
		d.cu.chroma[i] = mode
	}
}

// narrow turns modes by the shape of 4:2:2 samples (table 8-3).
var narrow = [35]uint8{0, 1, 2, 2, 2, 2, 3, 5, 7, 8, 10, 11, 13, 15, 16, 18, 19, 20, 21, 22, 23, 23, 24, 24, 25, 25, 26, 27, 27, 28, 28, 29, 29, 30, 31}

// probableModes are the three most probable modes of the block at (x, y) (8.4.2).
func (d *Decoder) probableModes(x, y int) [3]uint8 {
	p := d.p
	a, b := uint8(modeDC), uint8(modeDC)
	if p.available(x-1, y) {
		a = p.mode[p.at(x-1, y)]
	}
	if y&(1<<d.s.log2CTB-1) != 0 && p.available(x, y-1) {
		b = p.mode[p.at(x, y-1)]
	}
	switch {
	case a == b && a < 2:
		return [3]uint8{modePlanar, modeDC, 26}
	case a == b:
		return [3]uint8{a, 2 + (a+29)%32, 2 + (a-2+1)%32}
	case a != modePlanar && b != modePlanar:
		return [3]uint8{a, b, modePlanar}
	case a != modeDC && b != modeDC:
		return [3]uint8{a, b, modeDC}
	}
	return [3]uint8{a, b, 26}
}

// transformTree decodes a transform tree (7.3.8.8). part is the luma block of
// the unit it lies in, coded the parent's flags of coded chroma: one bit for each of
// the blocks of Cb and of Cr.
func (d *Decoder) transformTree(x, y, xBase, yBase, log2, depth, index, part int, coded [2]int) {
	s, state := d.s, &d.models.state
	nxn := 0
	if d.cu.nxn {
		nxn = 1
	}
	split := log2 > s.log2MaxTB || nxn == 1 && depth == 0
	if log2 <= s.log2MaxTB && log2 > s.log2MinTB && depth < s.maxDepth+nxn && !(nxn == 1 && depth == 0) {
		split = d.c.flag(&state[ctxSplitTU+5-log2])
	}
	own := [2]int{}
	switch {
	case log2 > 2 && s.chroma != 0 || s.chroma == 3:
		for c := range own {
			if depth == 0 || coded[c] != 0 {
				own[c] = d.c.bit(&state[ctxCBFChroma+depth])
				if s.chroma == 2 && (!split || log2 == 3) {
					own[c] |= d.c.bit(&state[ctxCBFChroma+depth]) << 1
				}
			}
		}
	case depth > 0:
		own = coded
	}
	if split {
		half := 1 << log2 / 2
		for i := range 4 {
			if depth == 0 && nxn == 1 {
				part = i
			}
			if !d.bad {
				d.transformTree(x+i&1*half, y+i>>1*half, x, y, log2-1, depth+1, i, part, own)
			}
		}
		return
	}
	n := 0
	if depth == 0 {
		n = 1
	}
	luma := d.c.flag(&state[ctxCBFLuma+n])
	d.transformUnit(x, y, xBase, yBase, log2, index, part, luma, own)
}

// transformUnit decodes a transform unit (7.3.8.10): predicts each block and adds what is coded of it.
func (d *Decoder) transformUnit(x, y, xBase, yBase, log2, index, part int, luma bool, chroma [2]int) {
	s := d.s
	if luma || chroma[0]|chroma[1] != 0 {
		if d.set.qpDelta && !d.qpCoded {
			d.parseQPDelta()
		}
		if d.h.chromaOffsets && chroma[0]|chroma[1] != 0 && !d.cu.bypass && !d.chromaQPCoded {
			d.parseChromaQP()
		}
	}
	d.predict(0, x, y, log2, int(d.cu.luma[part]))
	if luma {
		d.residualOf(0, x, y, log2, int(d.cu.luma[part]))
		d.add(0, x, y, log2)
	}
	d.finished(x, y, log2)
	if s.chroma == 0 {
		return
	}
	log2C := log2
	if s.chroma != 3 {
		part = 0
		if log2 > 2 {
			log2C--
		} else if index == 3 { // the chroma of four luma blocks comes with the last
			x, y = xBase, yBase
		} else {
			return
		}
	}
	blocks := 1
	if s.chroma == 2 {
		blocks = 2
	}
	mode := int(d.cu.chroma[part])
	for c := 1; c <= 2; c++ {
		scale := 0
		if d.set.crossComponent && luma && d.cu.same[part] {
			scale = d.parseScale(c)
		}
		for i := range blocks {
			cx, cy := x>>s.shiftX, y>>s.shiftY+i<<log2C
			d.predict(c, cx, cy, log2C, mode)
			coded := chroma[c-1]>>i&1 == 1
			if coded {
				d.residualOf(c, cx, cy, log2C, mode)
			} else if scale != 0 {
				clear(d.residual[:1<<(2*log2C)])
			}
			if scale != 0 {
				for k, v := range d.luma[:1<<(2*log2C)] {
					d.residual[k] += int32(scale) * (v << s.depthC >> s.depthY) >> 3
				}
			}
			if coded || scale != 0 {
				d.add(c, cx, cy, log2C)
			}
		}
	}
}

// parseQPDelta parses cu_qp_delta_abs and its sign, and sets QpY.
func (d *Decoder) parseQPDelta() {
	s, state := d.s, &d.models.state
	v := 0
	for v < 5 && d.c.flag(&state[ctxQPDelta+min(v, 1)]) {
		v++
	}
	if v == 5 {
		v += d.expGolomb(0)
	}
	if v != 0 && d.c.bypass() == 1 {
		v = -v
	}
	d.qpCoded = true
	if abs(v) > 26+s.bdOffsetY/2 {
		d.bad = true
		return
	}
	d.qp = (d.qpGuess+v+52+2*s.bdOffsetY)%(52+s.bdOffsetY) - s.bdOffsetY
}

// expGolomb decodes a bypassed Exp-Golomb code of order k (9.3.3.4).
func (d *Decoder) expGolomb(k int) int {
	v := 0
	for d.c.bypass() == 1 {
		v += 1 << k
		if k++; k > 20 {
			d.bad = true
			return 0
		}
	}
	return v + d.c.bypassBits(k)
}

// parseChromaQP parses cu_chroma_qp_offset_flag and cu_chroma_qp_offset_idx.
func (d *Decoder) parseChromaQP() {
	state := &d.models.state
	d.chromaQPCoded = true
	if !d.c.flag(&state[ctxChromaQP]) {
		d.chromaQP = [2]int{}
		return
	}
	i := 0
	for i < len(d.set.chromaOffsets)-1 && d.c.flag(&state[ctxChromaQPIndex]) {
		i++
	}
	d.chromaQP = d.set.chromaOffsets[i]
}

// parseScale parses how much of luma's residual is added to component c (7.3.8.12).
func (d *Decoder) parseScale(c int) int {
	state := &d.models.state
	v := 0
	for v < 4 && d.c.flag(&state[ctxResScale+4*(c-1)+v]) {
		v++
	}
	if v == 0 {
		return 0
	}
	v = 1 << (v - 1)
	if d.c.flag(&state[ctxResSign+c-1]) {
		return -v
	}
	return v
}

// componentQP is the quantization parameter of component c, with QpBdOffset (8.6.1).
func (d *Decoder) componentQP(c int) int {
	s := d.s
	if c == 0 {
		return d.qp + s.bdOffsetY
	}
	offset := d.set.cbOffset + d.h.cbOffset
	if c == 2 {
		offset = d.set.crOffset + d.h.crOffset
	}
	q := max(-s.bdOffsetC, min(d.qp+offset+d.chromaQP[c-1], 57))
	return chromaQP(q, s.chroma) + s.bdOffsetC
}

// chromaQP is QpC (table 8-10).
func chromaQP(q, chroma int) int {
	switch {
	case chroma != 1:
		return min(q, 51)
	case q < 30:
		return q
	case q >= 43:
		return q - 6
	}
	return int([13]uint8{29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36, 37}[q-30])
}
