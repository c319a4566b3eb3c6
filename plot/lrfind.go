package plot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Suggestion is a learning rate that the finder proposes, such as {"valley", 1e-3}.
type Suggestion struct {
	Name string
	LR   float64
}

// LRFind draws the curve of a learning-rate finder: smoothed loss over learning
// rate on a logarithmic axis, as fastai's plot_lr_find, with a dot on the curve
// and a label for each suggestion. lrs and losses have the same length; what is
// not finite is left out. It returns an error when lengths differ or nothing is
// left to draw. Suggestions that are not positive or finite are not drawn.
func LRFind(lrs, losses []float64, suggestions []Suggestion, o LineOptions) (*Figure, error) {
	if len(lrs) != len(losses) {
		return nil, fmt.Errorf("plot: %d learning rates and %d losses; a curve needs one of each per step", len(lrs), len(losses))
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	ax, ay := axis{log: true}, axis{}
	var xs, ys []float64
	for i, x := range lrs {
		if ax.shows(x) && ay.shows(losses[i]) {
			xs, ys = append(xs, x), append(ys, losses[i])
		}
	}
	if len(xs) == 0 {
		return nil, fmt.Errorf("plot: none of the %d points of the learning-rate curve is finite", len(lrs))
	}
	fillLabels(&o, "Learning-rate finder", "learning rate", "loss (smoothed)")
	var shown []Suggestion
	for _, s := range suggestions {
		if ax.shows(s.LR) {
			shown = append(shown, s)
		}
	}
	slices.SortStableFunc(shown, func(a, b Suggestion) int {
		switch {
		case a.LR < b.LR:
			return -1
		case a.LR > b.LR:
			return 1
		}
		return 0
	})
	w, h := o.Size.points(480, 320)
	c := &canvas{}
	top := c.title(o.Title, nil, w)
	const row = 13 // height of a label
	labels := row*float64(len(shown)) + 4
	p := &panel{c: c, x: 58, y: top + labels, w: w - 58 - 16, h: max(h-top-labels-40, 40), ax: span(true, 0.015, xs), ay: span(o.LogY, 0.06, ys)}
	p.grid(o.XLabel, o.YLabel)
	p.curve(xs, ys, 1.8, seriesColor(0))
	bold := fontSpec{9, true}
	for i, s := range shown {
		if s.LR < p.ax.lo || s.LR > p.ax.hi {
			continue
		}
		k := seriesColor(i + 1)
		q := p.point(s.LR, along(xs, ys, s.LR))
		q.y = min(max(q.y, p.y), p.y+p.h)
		// Labels stand on steps above the plot, the leftmost highest, each with
		// a line down to its dot: they cannot cover each other or the curve.
		y := top + row*float64(i) + 9
		c.line([]xy{{q.x, y + 3}, {q.x, q.y}}, 0.8, k, 2.5, 2)
		c.dot(q.x, q.y, 4.4, paper, "")
		c.dot(q.x, q.y, 3.4, k, fmt.Sprintf("%s: %s", s.Name, rate(s.LR)))
		text := shorten(clean(s.Name), bold, 150) + "  " + rate(s.LR)
		x, anchor := q.x+4, 0.0
		if x+bold.width(text) > w-6 {
			x, anchor = q.x-4, 1
		}
		c.text(text, x, y, bold, slate, anchor)
	}
	return c.figure(o.Title, w, h, o.Size), nil
}

// rate writes a learning rate as people type it: 1.2e-3.
func rate(v float64) string {
	e := int(math.Floor(math.Log10(v)))
	m := strconv.FormatFloat(v/math.Pow(10, float64(e)), 'f', 1, 64)
	if m == "10.0" {
		m, e = "1.0", e+1
	}
	return m + "e" + strconv.Itoa(e)
}

// along returns the curve's value at x, between points by the logarithm of x.
func along(xs, ys []float64, x float64) float64 {
	best, at := math.Inf(1), ys[0]
	for i := range xs {
		if i+1 < len(xs) && xs[i] <= x && x <= xs[i+1] && xs[i] < xs[i+1] {
			t := math.Log(x/xs[i]) / math.Log(xs[i+1]/xs[i])
			return ys[i] + t*(ys[i+1]-ys[i])
		}
		if d := math.Abs(math.Log(xs[i] / x)); d < best {
			best, at = d, ys[i]
		}
	}
	return at
}
