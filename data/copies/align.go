package copies

import "math"

// grid is the side of the cells by which two windows are compared.
const grid = 16

// slopes are the differences between neighboring cells of a window, across and
// down: what an edge is, whatever the picture's brightness and contrast.
type slopes struct {
	v      [2 * grid * (grid - 1)]float32
	length float64 // Euclidean
}

func (s *sums) slopes(w window) slopes {
	var m [grid * grid]float32
	s.means(w, grid, grid, m[:])
	var out slopes
	n, sum := 0, 0.0
	for y := range grid {
		for x := range grid {
			if x > 0 {
				out.v[n] = m[y*grid+x] - m[y*grid+x-1]
				sum += float64(float64(out.v[n]) * float64(out.v[n]))
				n++
			}
			if y > 0 {
				out.v[n] = m[y*grid+x] - m[(y-1)*grid+x]
				sum += float64(float64(out.v[n]) * float64(out.v[n]))
				n++
			}
		}
	}
	out.length = math.Sqrt(sum)
	return out
}

// faintest is the mean square slope, in units of 1/255 of white, below which a
// picture is too plain to be told from others by its edges.
const faintest = 4

func (a *slopes) plain() bool { return a.length*a.length < faintest*float64(len(a.v)) }

// alike is the correlation of two windows' slopes, 1 for the same picture at any
// brightness and contrast; 0 when one of them is plain.
func (a *slopes) alike(b *slopes) float64 {
	if a.plain() || b.plain() {
		return 0
	}
	dot := 0.0
	for i, v := range a.v {
		dot += float64(float64(v) * float64(b.v[i]))
	}
	return dot / (a.length * b.length)
}

// align looks near w for the window of s that is most like the whole picture
// with the slopes b, and returns it and their likeness. It moves the window and
// its four edges by ever smaller steps as long as that helps; 0 when there is no
// likeness to begin with.
func align(s *sums, w window, b *slopes) (window, float64) {
	at := s.slopes(w)
	best := at.alike(b)
	if best < firstAlike {
		return w, 0
	}
	for step := float32(1.5); step > 0.2; step /= 2 {
		for better := true; better; {
			better = false
			for _, d := range [...]window{{1, 0, 1, 0}, {0, 1, 0, 1}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}} {
				for _, k := range [2]float32{step, -step} {
					v := window{w.x0 + float32(k*d.x0), w.y0 + float32(k*d.y0), w.x1 + float32(k*d.x1), w.y1 + float32(k*d.y1)}
					if !v.possible() {
						continue
					}
					at = s.slopes(v)
					if c := at.alike(b); c > best {
						best, w, better = c, v, true
					}
				}
			}
		}
	}
	return w, best
}

// smallest is the least side of a window, in cells: a copy that shows less of
// the original is another picture.
const smallest = 0.75 * thumbSide

func (w window) possible() bool {
	return w.x0 >= 0 && w.y0 >= 0 && w.x1 <= thumbSide && w.y1 <= thumbSide && w.x1-w.x0 >= smallest && w.y1-w.y0 >= smallest
}

// cropped reports whether the window leaves out what a person would notice: a
// twentieth of a side.
func (w window) cropped() bool { return min(w.x1-w.x0, w.y1-w.y0) < 0.95*thumbSide }
