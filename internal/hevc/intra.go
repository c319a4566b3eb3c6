package hevc

const (
	modePlanar = 0
	modeDC     = 1
)

// angles are intraPredAngle of modes 2 to 34 (table 8-5).
var angles = [35]int{0, 0, 32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26, -32, -26, -21, -17, -13, -9, -5, -2, 0, 2, 5, 9, 13, 17, 21, 26, 32}

// inverseAngles are invAngle of modes 11 to 25 (table 8-6).
var inverseAngles = [26]int{11: -4096, -1638, -910, -630, -482, -390, -315, -256, -315, -390, -482, -630, -910, -1638, -4096}

// predict predicts a block of component c at (x, y), in its samples (8.4.4.2).
func (d *Decoder) predict(c, x, y, log2, mode int) {
	n := 1 << log2
	d.neighbors(c, x, y, n)
	ref := &d.refs
	if (c == 0 || d.s.chroma == 3) && !d.s.intraSmoothingOff && mode != modeDC && n > 4 {
		distance := min(abs(mode-26), abs(mode-10))
		if distance > [6]int{3: 7, 4: 1, 5: 0}[log2] {
			d.smoothen(c, n)
			ref = &d.smooth
		}
	}
	pl := &d.p.planes[c]
	out := pl.Pix[y*pl.Stride+x:]
	switch mode {
	case modePlanar:
		planar(out, pl.Stride, ref, n, log2)
	case modeDC:
		flat(out, pl.Stride, ref, n, log2, c == 0)
	default:
		edge := c == 0 && n < 32 && !(d.s.implicitRDPCM && d.cu.bypass)
		angular(out, pl.Stride, ref, n, mode, edge, int32(1)<<pl.Depth-1)
	}
}

// neighbors fills d.refs with the samples around a block: the corner at 2n, to
// the left of it (index falling) the column beside and below, to the right the row above.
// Samples that are not available are replaced by their neighbors (8.4.4.2.2).
func (d *Decoder) neighbors(c, x, y, n int) {
	s, p := d.s, d.p
	pl := &p.planes[c]
	sx, sy := 0, 0
	if c > 0 {
		sx, sy = s.shiftX, s.shiftY
	}
	lx, ly := x<<sx, y<<sy
	ref := &d.refs
	unitX, unitY := 4>>sx, 4>>sy // samples for which availability is the same
	corner := 2 * n
	first := -1 // the lowest index that is available
	have := -1  // up to where all is filled
	put := func(from, to int) {
		if first < 0 {
			first = from
		} else {
			for i := have + 1; i < from; i++ {
				ref[i] = ref[have]
			}
		}
		have = to
	}
	for v := 2*n - unitY; v >= 0; v -= unitY {
		if !p.available(lx-1, (y+v)<<sy) {
			continue
		}
		at := (y+v)*pl.Stride + x - 1
		put(corner-v-unitY, corner-1-v)
		for k := range unitY {
			ref[corner-1-v-k] = int32(pl.Pix[at+k*pl.Stride])
		}
	}
	if p.available(lx-1, ly-1) {
		put(corner, corner)
		ref[corner] = int32(pl.Pix[(y-1)*pl.Stride+x-1])
	}
	for u := 0; u < 2*n; u += unitX {
		if !p.available((x+u)<<sx, ly-1) {
			continue
		}
		put(corner+1+u, corner+u+unitX)
		row := pl.Pix[(y-1)*pl.Stride+x+u:][:unitX]
		for k, v := range row {
			ref[corner+1+u+k] = int32(v)
		}
	}
	if first < 0 {
		for i := range ref[:4*n+1] {
			ref[i] = 1 << (pl.Depth - 1)
		}
		return
	}
	for i := range first {
		ref[i] = ref[first]
	}
	for i := have + 1; i <= 4*n; i++ {
		ref[i] = ref[have]
	}
}

// smoothen filters d.refs into d.smooth (8.4.4.2.3).
func (d *Decoder) smoothen(c, n int) {
	r, out := &d.refs, &d.smooth
	last := 4 * n
	out[0], out[last] = r[0], r[last]
	if c == 0 && n == 32 && d.s.strong {
		corner, limit := r[64], int32(1)<<(d.s.depthY-5)
		if abs(int(corner+r[128]-2*r[96])) < int(limit) && abs(int(corner+r[0]-2*r[32])) < int(limit) {
			for i := range int32(64) {
				out[i] = (int32(64-i)*r[0] + i*corner + 32) >> 6
				out[64+i] = (int32(64-i)*corner + i*r[128] + 32) >> 6
			}
			return
		}
	}
	for i := 1; i < last; i++ {
		out[i] = (r[i-1] + 2*r[i] + r[i+1] + 2) >> 2
	}
}

// planar is 8.4.4.2.4.
func planar(out []uint16, stride int, r *[4*32 + 1]int32, n, log2 int) {
	c := 2 * n
	right, below := r[c+n+1], r[c-n-1]
	for y := range n {
		left := r[c-1-y]
		row := out[y*stride:][:n]
		for x := range row {
			row[x] = uint16((int32(n-1-x)*left + int32(x+1)*right + int32(n-1-y)*r[c+1+x] + int32(y+1)*below + int32(n)) >> (log2 + 1))
		}
	}
}

// flat is prediction by the mean (8.4.4.2.5).
func flat(out []uint16, stride int, r *[4*32 + 1]int32, n, log2 int, luma bool) {
	c := 2 * n
	sum := int32(n)
	for i := range n {
		sum += r[c-1-i] + r[c+1+i]
	}
	dc := sum >> (log2 + 1)
	for y := range n {
		row := out[y*stride:][:n]
		for x := range row {
			row[x] = uint16(dc)
		}
	}
	if luma && n < 32 {
		out[0] = uint16((r[c-1] + 2*dc + r[c+1] + 2) >> 2)
		for i := 1; i < n; i++ {
			out[i] = uint16((r[c+1+i] + 3*dc + 2) >> 2)
			out[i*stride] = uint16((r[c-1-i] + 3*dc + 2) >> 2)
		}
	}
}

// angular is 8.4.4.2.6. Horizontal modes are vertical ones of the transposed block.
func angular(out []uint16, stride int, r *[4*32 + 1]int32, n, mode int, edge bool, top int32) {
	c, angle := 2*n, angles[mode]
	vertical := mode >= 18
	// main(i) and side(i): the i-th sample, the corner is 0, of the row that is
	// projected from and of the other.
	sign := -1
	if vertical {
		sign = 1
	}
	var line [3*32 + 1]int32
	const zero = 32
	for i := 0; i <= n; i++ {
		line[zero+i] = r[c+sign*i]
	}
	if angle < 0 {
		if low := n * angle >> 5; low < -1 {
			for i := -1; i >= low; i-- {
				line[zero+i] = r[c-sign*((i*inverseAngles[mode]+128)>>8)]
			}
		}
	} else {
		for i := n + 1; i <= 2*n; i++ {
			line[zero+i] = r[c+sign*i]
		}
	}
	stepX, stepY := 1, stride
	if !vertical {
		stepX, stepY = stride, 1
	}
	for y := range n {
		whole, part := (y+1)*angle>>5, int32((y+1)*angle&31)
		from := line[zero+whole+1:]
		at := y * stepY
		if part == 0 {
			for x := range n {
				out[at] = uint16(from[x])
				at += stepX
			}
			continue
		}
		from = from[:n+1]
		for x := range n {
			out[at] = uint16(((32-part)*from[x] + part*from[x+1] + 16) >> 5)
			at += stepX
		}
	}
	if angle == 0 && edge {
		for y := range n {
			v := line[zero+1] + (r[c-sign*(y+1)]-r[c])>>1
			out[y*stepY] = uint16(max(0, min(v, top)))
		}
	}
}
