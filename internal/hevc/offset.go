package hevc

// offsets are the sample adaptive offsets of a CTB and component.
type offsets struct {
	kind   uint8 // 0 none, 1 by band, 2 by edge
	class  uint8 // direction of the edge, or first band
	offset [4]int16
}

// parseOffsets parses the sample adaptive offsets of a CTB (7.3.8.3).
func (d *Decoder) parseOffsets(raster, x, y int) {
	p, s, state := d.p, d.s, &d.models.state
	own := &p.sao[raster]
	merge := func(from int, inside bool) bool {
		if inside && d.set.tileOf[from] == d.set.tileOf[raster] && d.set.toTile[from] >= d.set.toTile[d.h.start] &&
			d.c.flag(&state[ctxSAOMerge]) {
			*own = p.sao[from]
			return true
		}
		return false
	}
	if x > 0 && merge(raster-1, true) {
		return
	}
	if y > 0 && merge(raster-s.widthCTB, true) {
		return
	}
	for c := range p.planes {
		if c == 0 && !d.h.saoY || c > 0 && !d.h.saoC {
			continue
		}
		o := &own[c]
		if c == 2 {
			o.kind, o.class = own[1].kind, own[1].class
		} else if d.c.flag(&state[ctxSAOType]) {
			o.kind = uint8(1 + d.c.bypass())
		}
		if o.kind == 0 {
			continue
		}
		top := 1<<(min(p.planes[c].Depth, 10)-5) - 1
		for i := range o.offset {
			v := 0
			for v < top && d.c.bypass() == 1 {
				v++
			}
			o.offset[i] = int16(v)
		}
		if o.kind == 1 {
			for i, v := range o.offset {
				if v != 0 && d.c.bypass() == 1 {
					o.offset[i] = -v
				}
			}
			o.class = uint8(d.c.bypassBits(5))
		} else {
			o.offset[2], o.offset[3] = -o.offset[2], -o.offset[3]
			if c < 2 {
				o.class = uint8(d.c.bypassBits(2))
			}
		}
		for i := range o.offset {
			o.offset[i] <<= d.set.saoShift[min(c, 1)]
		}
	}
}

// adaptOffsets adds the sample adaptive offsets (8.7.3). Edges are looked for in
// the picture as it was before: a row of CTBs is copied with the row of samples above and below.
func (p *picture) adaptOffsets(s *sequence, set *pictureSet) {
	for c := range p.planes {
		any := false
		for i := range p.sao {
			any = any || p.sao[i][c].kind != 0
		}
		if !any {
			continue
		}
		pl := &p.planes[c]
		sx, sy := 0, 0
		if c > 0 {
			sx, sy = s.shiftX, s.shiftY
		}
		w, h := 1<<s.log2CTB>>sx, 1<<s.log2CTB>>sy
		before := make([]uint16, (h+2)*pl.Stride)
		above := make([]uint16, pl.Stride)
		for y := range s.heightCTB {
			rows := min(h, pl.Height-y*h)
			copy(before, above)
			n := min(rows+1, pl.Height-y*h)
			copy(before[pl.Stride:], pl.Pix[y*h*pl.Stride:][:n*pl.Stride])
			copy(above, before[rows*pl.Stride:])
			for x := range s.widthCTB {
				o := &p.sao[y*s.widthCTB+x][c]
				columns := min(w, pl.Width-x*w)
				switch o.kind {
				case 1:
					p.offsetBands(pl, o, x*w, y*h, columns, rows, sx, sy)
				case 2:
					p.offsetEdges(set, pl, o, before, x, y, x*w, y*h, columns, rows, sx, sy)
				}
			}
		}
	}
}

// kept reports whether filters leave the sample of a component alone.
func (p *picture) kept(x, y, sx, sy int) bool { return p.edges[p.at(x<<sx, y<<sy)]&unchanged != 0 }

func (p *picture) offsetBands(pl *Plane, o *offsets, x0, y0, w, h, sx, sy int) {
	var table [32]int32
	for k, v := range o.offset {
		table[(k+int(o.class))&31] = int32(v)
	}
	shift, top := pl.Depth-5, int32(1)<<pl.Depth-1
	for y := y0; y < y0+h; y++ {
		row := pl.Pix[y*pl.Stride+x0:][:w]
		for i, v := range row {
			if add := table[v>>shift&31]; add != 0 && !p.kept(x0+i, y, sx, sy) {
				row[i] = uint16(max(0, min(int32(v)+add, top)))
			}
		}
	}
}

func (p *picture) offsetEdges(set *pictureSet, pl *Plane, o *offsets, before []uint16, ctbX, ctbY, x0, y0, w, h, sx, sy int) {
	dx, dy := [4]int{1, 0, 1, -1}[o.class], [4]int{0, 1, 1, 1}[o.class]
	// Of each of the eight CTBs around whether its samples may be looked at.
	var open [3][3]bool
	for j := -1; j <= 1; j++ {
		for i := -1; i <= 1; i++ {
			open[j+1][i+1] = p.visible(set, ctbX, ctbY, ctbX+i, ctbY+j)
		}
	}
	top := int32(1)<<pl.Depth - 1
	table := [5]int32{int32(o.offset[0]), int32(o.offset[1]), 0, int32(o.offset[2]), int32(o.offset[3])}
	region := func(v, n int) int { // before, inside, after
		switch {
		case v < 0:
			return 0
		case v >= n:
			return 2
		}
		return 1
	}
	for y := range h {
		row := pl.Pix[(y0+y)*pl.Stride+x0:][:w]
		mid := before[(y+1)*pl.Stride+x0:]
		for x := range row {
			border := x == 0 || x == w-1 || y == 0 || y == h-1
			if border && (!open[region(y-dy, h)][region(x-dx, w)] || !open[region(y+dy, h)][region(x+dx, w)]) {
				continue
			}
			v := int32(mid[x])
			at := (y+1)*pl.Stride + x0 + x
			a, b := int32(before[at-dy*pl.Stride-dx]), int32(before[at+dy*pl.Stride+dx])
			add := table[2+compare(v, a)+compare(v, b)]
			if add != 0 && !p.kept(x0+x, y0+y, sx, sy) {
				row[x] = uint16(max(0, min(v+add, top)))
			}
		}
	}
}

// visible reports whether samples of the CTB (nx, ny) may be looked at for
// offsets of (x, y): it is in the picture, and slices and tiles that do not
// filter across their bounds are not left.
func (p *picture) visible(set *pictureSet, x, y, nx, ny int) bool {
	if nx < 0 || ny < 0 || nx >= p.widthCTB || ny >= len(p.sliceOf)/p.widthCTB {
		return false
	}
	a, b := y*p.widthCTB+x, ny*p.widthCTB+nx
	if !set.filterAcrossTiles && set.tileOf[a] != set.tileOf[b] {
		return false
	}
	ha, hb := p.slices[p.sliceOf[a]], p.slices[p.sliceOf[b]]
	if ha.start == hb.start {
		return true
	}
	if set.toTile[hb.start] > set.toTile[ha.start] {
		return hb.filterAcross
	}
	return ha.filterAcross
}

// compare is the sign of a-b.
func compare(a, b int32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
