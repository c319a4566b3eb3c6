package plot

import (
	"fmt"
	"math"
)

// ScatterOptions are the choices of Scatter. The zero value has the default size, 4.6 by 4.6
// inches, and no line.
type ScatterOptions struct {
	Title, XLabel, YLabel string
	// Diagonal gives both axes one scale and draws the line on which y is x: for predicted
	// against actual numbers.
	Diagonal bool
	Level    bool // draw the line on which y is 0: for errors
	Size     Size
}

// scatterDots bounds the dots that are drawn, as each is a shape of its own in an SVG file.
const scatterDots = 1500

// Scatter draws a dot for each pair x[i], y[i]. Pairs with a value that is not finite are left out; of
// more than 1500, those with the least and the greatest x, y and y-x are drawn, and of the others as many in
// equal steps, which a note under the title says. It returns an error when there is no pair or the lengths differ.
func Scatter(x, y []float64, o ScatterOptions) (*Figure, error) {
	if len(x) != len(y) {
		return nil, fmt.Errorf("plot: %d x and %d y values", len(x), len(y))
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	pairs := drawable(x, y)
	if len(pairs) == 0 {
		return nil, fmt.Errorf("plot: none of the %d points can be drawn", len(x))
	}
	xs, ys := make([]float64, len(pairs)), make([]float64, len(pairs))
	for i, p := range pairs {
		xs[i], ys[i] = p.x, p.y
	}
	w, h := o.Size.points(330, 330)
	c := &canvas{}
	top := c.title(o.Title, nil, w)
	drawn := pairs
	if len(pairs) > scatterDots {
		drawn = sample(pairs, scatterDots)
		c.text(fmt.Sprintf("%d of %d points", len(drawn), len(pairs)), 14, top-3, noteFont, faint, 0)
		top += 8
	}
	const left = 62
	p := &panel{c: c, x: left, y: top, w: max(w-left-16, 10), h: max(h-top-40, 10), ax: span(false, 0.04, xs), ay: span(false, 0.04, ys)}
	if o.Diagonal {
		p.ax = span(false, 0.04, xs, ys)
		p.ay = p.ax
	}
	if o.Level {
		p.ay = span(false, 0.04, ys, []float64{0})
	}
	p.grid(o.XLabel, o.YLabel)
	if o.Diagonal {
		c.line([]xy{p.point(p.ax.lo, p.ay.lo), p.point(p.ax.hi, p.ay.hi)}, 1, slate, 4, 3)
	}
	if o.Level {
		c.line([]xy{p.point(p.ax.lo, 0), p.point(p.ax.hi, 0)}, 1, slate, 4, 3)
	}
	radius := 2.6
	if len(drawn) > 300 {
		radius = 1.7
	}
	for _, v := range drawn {
		q := p.point(v.x, v.y)
		c.dot(q.x, q.y, radius, seriesColor(0), fmt.Sprintf("%s, %s", compact(v.x), compact(v.y)))
	}
	return c.figure(o.Title, w, h, o.Size), nil
}

// drawable returns the pairs of finite values.
func drawable(x, y []float64) []xy {
	var out []xy
	linear := axis{}
	for i := range x {
		if linear.shows(x[i]) && linear.shows(y[i]) {
			out = append(out, xy{x[i], y[i]})
		}
	}
	return out
}

// sample returns about n of the pairs: the extreme ones, and others in equal steps.
func sample(pairs []xy, n int) []xy {
	keep := map[int]bool{}
	for _, key := range []func(xy) float64{func(p xy) float64 { return p.x }, func(p xy) float64 { return p.y }, func(p xy) float64 { return p.y - p.x }} {
		lo, hi := 0, 0
		for i, p := range pairs {
			if key(p) < key(pairs[lo]) {
				lo = i
			}
			if key(p) > key(pairs[hi]) {
				hi = i
			}
		}
		keep[lo], keep[hi] = true, true
	}
	step := float64(len(pairs)) / float64(n-len(keep))
	for i := range n - len(keep) {
		keep[int(math.Floor(float64(i)*step))] = true
	}
	out := make([]xy, 0, n)
	for i, p := range pairs {
		if keep[i] {
			out = append(out, p)
		}
	}
	return out
}
