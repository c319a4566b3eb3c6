package plot

import "math"

func circle(x, y, radius float64) []xy {
	const n = 28
	out := make([]xy, n)
	for i := range out {
		s, c := math.Sincos(2 * math.Pi * float64(i) / n)
		out[i] = xy{x + radius*c, y + radius*s}
	}
	return out
}

// strokes gives the outlines that together make a line of the given width,
// with round joins and square ends, all running the same way round so that
// their union has no holes.
func strokes(pts []xy, width float64, dash []float64) [][]xy {
	h := width / 2
	var out [][]xy
	for _, line := range dashed(pts, dash) {
		for i := 0; i+1 < len(line); i++ {
			a, b := line[i], line[i+1]
			dx, dy := b.x-a.x, b.y-a.y
			l := math.Hypot(dx, dy)
			if l == 0 || math.IsNaN(l) || math.IsInf(l, 0) {
				continue
			}
			dx, dy = dx/l*h, dy/l*h
			out = append(out, []xy{{a.x + dy, a.y - dx}, {b.x + dy, b.y - dx}, {b.x - dy, b.y + dx}, {a.x - dy, a.y + dx}})
			if i > 0 && width > 0.8 {
				out = append(out, circle(a.x, a.y, h))
			}
		}
	}
	return out
}

// dashed cuts a line into its drawn pieces.
func dashed(pts []xy, dash []float64) [][]xy {
	total := 0.0
	for _, d := range dash {
		total += d
	}
	if total <= 0 {
		return [][]xy{pts}
	}
	var out [][]xy
	var piece []xy
	k, left, on := 0, dash[0], true
	for i := 0; i+1 < len(pts); i++ {
		a, b := pts[i], pts[i+1]
		l := math.Hypot(b.x-a.x, b.y-a.y)
		if l == 0 || math.IsNaN(l) || math.IsInf(l, 0) {
			continue
		}
		for done := 0.0; done < l; {
			step := min(left, l-done)
			p := xy{a.x + (b.x-a.x)*done/l, a.y + (b.y-a.y)*done/l}
			done += step
			q := xy{a.x + (b.x-a.x)*done/l, a.y + (b.y-a.y)*done/l}
			if on {
				if len(piece) == 0 {
					piece = append(piece, p)
				}
				piece = append(piece, q)
			}
			if left -= step; left <= 1e-9 {
				if len(piece) > 0 {
					out, piece = append(out, piece), nil
				}
				k = (k + 1) % len(dash)
				left, on = dash[k], !on
			}
		}
	}
	if len(piece) > 0 {
		out = append(out, piece)
	}
	return out
}
