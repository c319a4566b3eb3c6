package hevc

// picture is a picture while it is decoded.
type picture struct {
	seq    *sequence
	planes []Plane
	width  int // of the maps, in blocks of 4×4 luma samples
	height int
	// Maps of blocks of 4×4 luma samples.
	decoded []uint32 // number of the slice and tile they belong to, from 1; 0: not decoded
	mode    []uint8  // intra prediction
	depth   []uint8  // of coding units
	qp      []int8   // QpY
	edges   []uint8  // edge bits
	region  uint32

	slices   []*slice
	sliceOf  []uint16 // of each CTB, in raster scan
	log2CTB  int
	widthCTB int
	sao      [][3]offsets // of each CTB
}

// Bits of picture.edges.
const (
	edgeLeft  = 1 << iota // a transform block begins with this column
	edgeTop               // … with this row
	unchanged             // filters leave these samples alone
)

// newPicture makes an empty picture, of the memory of the old one when it is of the same
// sequence.
func newPicture(s *sequence, old *picture) *picture {
	if old != nil && old.seq == s {
		clear(old.decoded)
		clear(old.edges)
		old.region, old.slices = 0, old.slices[:0]
		return old
	}
	p := &picture{seq: s, width: (s.width + 3) / 4, height: (s.height + 3) / 4, log2CTB: s.log2CTB, widthCTB: s.widthCTB}
	p.planes = append(p.planes, newPlane(s.width, s.height, s.depthY))
	if s.chroma != 0 {
		for range 2 {
			p.planes = append(p.planes, newPlane(s.width>>s.shiftX, s.height>>s.shiftY, s.depthC))
		}
	}
	n := p.width * p.height
	p.decoded, p.mode, p.depth, p.qp, p.edges = make([]uint32, n), make([]uint8, n), make([]uint8, n), make([]int8, n), make([]uint8, n)
	p.sliceOf = make([]uint16, s.widthCTB*s.heightCTB)
	p.sao = make([][3]offsets, s.widthCTB*s.heightCTB)
	return p
}

func newPlane(w, h, depth int) Plane {
	return Plane{Pix: make([]uint16, w*h), Stride: w, Width: w, Height: h, Depth: depth}
}

// at is the index of the block that holds a luma sample.
func (p *picture) at(x, y int) int { return y>>2*p.width + x>>2 }

// available reports whether the luma sample (x, y) may be looked at from the block that is decoded: it
// is inside the picture, decoded, and of the same slice and tile (6.4.1).
// (x, y) is of the slice and tile that are being decoded.
func (p *picture) available(nx, ny int) bool {
	if nx < 0 || ny < 0 || nx>>2 >= p.width || ny>>2 >= p.height {
		return false
	}
	return p.decoded[p.at(nx, ny)] == p.region
}

// fill sets a square of the map m.
func fill[T uint8 | uint32 | int8](p *picture, m []T, x, y, size int, v T) {
	x0, y0 := x>>2, y>>2
	x1, y1 := min((x+size+3)>>2, p.width), min((y+size+3)>>2, p.height)
	for ; y0 < y1; y0++ {
		row := m[y0*p.width+x0 : y0*p.width+x1]
		for i := range row {
			row[i] = v
		}
	}
}

// cropped is the picture without what the conformance window cuts off.
func (p *picture) cropped(s *sequence) *Picture {
	out := &Picture{Color: s.color}
	for i, pl := range p.planes {
		sx, sy := 0, 0
		if i > 0 {
			sx, sy = s.shiftX, s.shiftY
		}
		pl.Pix = pl.Pix[s.top>>sy*pl.Stride+s.left>>sx:]
		pl.Width = (s.width - s.left - s.right) >> sx
		pl.Height = (s.height - s.top - s.bottom) >> sy
		out.Planes = append(out.Planes, pl)
	}
	return out
}
