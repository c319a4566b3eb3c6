package copies

import "github.com/whippet-ml/whippet/data"

// thumbSide is the side of a thumbnail: enough to tell photographs apart, and to
// cut a window of them out to half a percent.
const thumbSide = 32

// thumb is a picture's luminance as thumbSide×thumbSide cells, row after row,
// squeezed to a square: what turned, mirrored and cropped copies are compared
// by.
type thumb [thumbSide * thumbSide]uint8

// thumbOf averages the picture's pixels, of any size, into the cells.
func thumbOf(m *data.Image) thumb {
	var t thumb
	if m.Width < 1 || m.Height < 1 {
		return t
	}
	for i := range t {
		r, g, b := cell(m, i%thumbSide, i/thumbSide, thumbSide, thumbSide)
		t[i] = uint8((299*r + 587*g + 114*b) / 16000)
	}
	return t
}

// turns are the ways to lay a square onto itself: as it is, three rotations by
// a quarter turn clockwise each, and the same after mirroring left and right.
const turns = 8

// turned returns the thumbnail laid down another way.
func (t *thumb) turned(turn int) thumb {
	var out thumb
	for y := range thumbSide {
		for x := range thumbSide {
			// Where in t the cell (x, y) of the result comes from.
			u, v := x, y
			for range turn % 4 {
				u, v = v, thumbSide-1-u
			}
			if turn >= 4 {
				u = thumbSide - 1 - u
			}
			out[y*thumbSide+x] = t[v*thumbSide+u]
		}
	}
	return out
}

// window is a part of a picture, in cells of its thumbnail.
type window struct{ x0, y0, x1, y1 float32 }

// whole is all of a picture.
var whole = window{0, 0, thumbSide, thumbSide}

// windows are the parts by which cropped copies are looked for: 92 %
// and 84 % of both sides, in the middle, the corners and along the edges.
// What lies between is near enough to one of them for the hash, and is found
// exactly by align.
var windows = func() (out [18]window) {
	for i := range out {
		side := [2]float32{0.92, 0.84}[i/9] * thumbSide
		x, y := float32(i%3)/2*(thumbSide-side), float32(i/3%3)/2*(thumbSide-side)
		out[i] = window{x, y, x + side, y + side}
	}
	return out
}()

// sums is a table of sums over the rectangles from a thumbnail's corner, so that
// the mean of any rectangle costs four look-ups.
type sums [(thumbSide + 1) * (thumbSide + 1)]float32

func (t *thumb) sums() *sums {
	var s sums
	for y := range thumbSide {
		row := float32(0)
		for x := range thumbSide {
			row += float32(t[y*thumbSide+x])
			s[(y+1)*(thumbSide+1)+x+1] = s[y*(thumbSide+1)+x+1] + row
		}
	}
	return &s
}

// upTo is the sum over the rectangle from the corner to (x, y), which may lie
// inside a cell.
func (s *sums) upTo(x, y float32) float32 {
	i, j := min(int(x), thumbSide-1), min(int(y), thumbSide-1)
	fx, fy := x-float32(i), y-float32(j)
	r := s[j*(thumbSide+1)+i:]
	top := r[0] + float32(fx*(r[1]-r[0]))
	low := r[thumbSide+1] + float32(fx*(r[thumbSide+2]-r[thumbSide+1]))
	return top + float32(fy*(low-top))
}

// means fills out with the means of nx×ny equal cells of the window, row after
// row. nx and ny are at most 16.
func (s *sums) means(w window, nx, ny int, out []float32) {
	var above, below [17]float32
	dx, dy := (w.x1-w.x0)/float32(nx), (w.y1-w.y0)/float32(ny)
	k := 1 / (dx * dy)
	for y := range ny + 1 {
		for x := range nx + 1 {
			below[x] = s.upTo(w.x0+float32(float32(x)*dx), w.y0+float32(float32(y)*dy))
		}
		if y > 0 {
			for x := range nx {
				out[(y-1)*nx+x] = k * (below[x+1] - below[x] - above[x+1] + above[x])
			}
		}
		above = below
	}
}

// hash is the difference hash (see Fingerprint) of a window.
func (s *sums) hash(w window) uint64 {
	var v [hashColumns * hashRows]float32
	s.means(w, hashColumns, hashRows, v[:])
	h := uint64(0)
	for y := range hashRows {
		for x := range hashColumns - 1 {
			h <<= 1
			if v[y*hashColumns+x+1] > v[y*hashColumns+x] {
				h |= 1
			}
		}
	}
	return h
}
