package plot

import (
	"image/color"
	"math"
	"strconv"
	"strings"
)

// axis maps values to 0..1, linearly or by logarithm.
type axis struct {
	lo, hi float64
	log    bool
	whole  bool // ticks at whole numbers only: steps, epochs
}

// span returns an axis that shows all values, with a margin of pad of its
// length at both ends. Values that are not finite, and on a logarithmic axis
// those that are not positive, are left out; without any the axis is 0..1 (1..10).
func span(log bool, pad float64, values ...[]float64) axis {
	a := axis{lo: math.Inf(1), hi: math.Inf(-1), log: log}
	for _, vs := range values {
		for _, v := range vs {
			if a.shows(v) {
				a.lo, a.hi = min(a.lo, v), max(a.hi, v)
			}
		}
	}
	if a.lo > a.hi {
		a.lo, a.hi = 0, 1
		if log {
			a.lo, a.hi = 1, 10
		}
		return a
	}
	if log {
		l, h := math.Log10(a.lo), math.Log10(a.hi)
		if h-l < 1e-9 {
			l, h = l-0.5, h+0.5
		}
		d := (h - l) * pad
		a.lo, a.hi = math.Pow(10, l-d), math.Pow(10, h+d)
		return a
	}
	if d := a.hi - a.lo; d <= math.Abs(a.hi)*1e-12 {
		m := math.Abs(a.hi) * 0.1
		if m == 0 {
			m = 0.5
		}
		a.lo, a.hi = a.lo-m, a.hi+m
	} else {
		a.lo, a.hi = a.lo-d*pad, a.hi+d*pad
	}
	return a
}

// huge bounds what is drawn: differences of larger values overflow.
const huge = 1e300

func (a axis) shows(v float64) bool {
	return v >= -huge && v <= huge && (!a.log || v >= 1e-300)
}

// at returns the position of v, 0 at lo and 1 at hi.
func (a axis) at(v float64) float64 {
	if a.log {
		return (math.Log10(v) - math.Log10(a.lo)) / (math.Log10(a.hi) - math.Log10(a.lo))
	}
	return (v - a.lo) / (a.hi - a.lo)
}

type tick struct {
	v     float64
	label string
}

// ticks returns about n round values: 1, 2 or 5 times a power of ten, powers of
// ten on a logarithmic axis that spans enough of them.
func (a axis) ticks(n int) []tick {
	if a.log {
		l, h := math.Ceil(math.Log10(a.lo)-1e-9), math.Floor(math.Log10(a.hi)+1e-9)
		if h-l >= 1 {
			step := math.Max(1, math.Ceil((h-l)/float64(n)))
			var out []tick
			for e := l; e <= h; e += step {
				out = append(out, tick{math.Pow(10, e), power(int(e))})
			}
			return out
		}
		var out []tick
		for e := math.Floor(math.Log10(a.lo)); e <= h+1; e++ {
			for _, k := range []float64{1, 2, 5} {
				if v := k * math.Pow(10, e); v >= a.lo && v <= a.hi {
					out = append(out, tick{v, compact(v)})
				}
			}
		}
		return out
	}
	step := round125((a.hi - a.lo) / float64(max(n, 1)))
	if a.whole {
		step = max(step, 1)
	}
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var out []tick
	for i := math.Ceil(a.lo/step - 1e-9); i*step <= a.hi+step*1e-9 && len(out) < 50; i++ {
		v := i * step
		label := strconv.FormatFloat(v, 'f', min(digits, 12), 64)
		if m := max(math.Abs(a.lo), math.Abs(a.hi)); m >= 1e6 || m < 1e-3 {
			label = compact(v)
		}
		if strings.Trim(label, "-0.") == "" {
			label = "0"
		}
		out = append(out, tick{v, label})
	}
	return out
}

// round125 returns the least of 1, 2, 5 times a power of ten that is not below v.
func round125(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{1, 2, 5} {
		if k*p >= v*(1-1e-9) {
			return k * p
		}
	}
	return 10 * p
}

// power writes ten to the e with raised digits.
func power(e int) string {
	up := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	var b strings.Builder
	b.WriteString("10")
	for _, d := range strconv.Itoa(e) {
		if d == '-' {
			b.WriteRune('⁻')
		} else {
			b.WriteRune(up[d-'0'])
		}
	}
	return b.String()
}

// compact writes a number with up to three digits, as 0.0012 or 1.2e-5.
func compact(v float64) string {
	m := math.Abs(v)
	if m != 0 && (m < 1e-3 || m >= 1e6) {
		s := strconv.FormatFloat(v, 'e', 2, 64)
		mant, exp, _ := strings.Cut(s, "e")
		mant = strings.TrimRight(strings.TrimRight(mant, "0"), ".")
		exp = strings.TrimPrefix(exp, "+")
		neg := strings.HasPrefix(exp, "-")
		exp = strings.TrimLeft(exp, "-0")
		if neg {
			exp = "-" + exp
		}
		return mant + "e" + exp
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// panel is a pair of axes on a canvas. x, y, w and h are the plotting area.
type panel struct {
	c          *canvas
	x, y, w, h float64
	ax, ay     axis
}

var (
	tickFont  = fontSpec{8.5, false}
	axisFont  = fontSpec{9.5, false}
	titleFont = fontSpec{13, true}
	noteFont  = fontSpec{9, false}
)

// point converts values to the canvas.
func (p *panel) point(x, y float64) xy {
	return xy{p.x + p.w*p.ax.at(x), p.y + p.h*(1-p.ay.at(y))}
}

// grid draws rules, ticks and the names of the axes.
func (p *panel) grid(xlabel, ylabel string) {
	widest := 20.0
	for _, t := range p.ay.ticks(max(3, int(p.h/26))) {
		widest = max(widest, tickFont.width(t.label))
		q := p.point(p.ax.lo, t.v)
		p.c.line([]xy{{p.x, q.y}, {p.x + p.w, q.y}}, 0.6, rule)
		p.c.text(t.label, p.x-5, q.y+tickFont.size*0.35, tickFont, slate, 1)
	}
	base := p.y + p.h
	for _, t := range p.ax.ticks(max(3, int(p.w/46))) {
		q := p.point(t.v, p.ay.lo)
		p.c.line([]xy{{q.x, p.y}, {q.x, base}}, 0.6, rule)
		p.c.line([]xy{{q.x, base}, {q.x, base + 3}}, 0.75, frame)
		p.c.text(t.label, q.x, base+4+tickFont.size, tickFont, slate, 0.5)
	}
	p.c.line([]xy{{p.x, base}, {p.x + p.w, base}}, 0.9, frame)
	p.c.text(xlabel, p.x+p.w/2, base+28, axisFont, slate, 0.5)
	p.c.turned(ylabel, "", max(p.x-widest-14, 10), p.y+p.h/2, axisFont, slate, 0.5, -90)
}

// curve draws a line through the points that can be shown; a value that is not
// finite interrupts it, and what leaves the area is cut at its edge.
func (p *panel) curve(xs, ys []float64, width float64, k color.RGBA, dash ...float64) {
	var run []xy
	flush := func() {
		if len(run) > 1 {
			p.c.line(run, width, k, dash...)
		} else if len(run) == 1 {
			p.c.dot(run[0].x, run[0].y, max(width, 1.6), k, "")
		}
		run = nil
	}
	xs, ys = thin(xs, ys, int(p.w*4))
	for i, x := range xs {
		if !p.ax.shows(x) || !p.ay.shows(ys[i]) {
			flush()
			continue
		}
		run = append(run, p.point(x, min(max(ys[i], p.ay.lo), p.ay.hi)))
	}
	flush()
}

// thin reduces a long curve to about n points that look the same: of each
// bucket the least and the greatest value, in their order.
func thin(xs, ys []float64, n int) ([]float64, []float64) {
	if len(xs) <= n || n < 4 {
		return xs, ys
	}
	buckets := n / 2
	var ox, oy []float64
	for b := range buckets {
		from, to := b*len(xs)/buckets, (b+1)*len(xs)/buckets
		lo, hi := -1, -1
		for i := from; i < to; i++ {
			if math.IsNaN(ys[i]) {
				continue
			}
			if lo < 0 || ys[i] < ys[lo] {
				lo = i
			}
			if hi < 0 || ys[i] > ys[hi] {
				hi = i
			}
		}
		if lo < 0 {
			lo, hi = from, from
		}
		first, second := min(lo, hi), max(lo, hi)
		ox, oy = append(ox, xs[first]), append(oy, ys[first])
		if second != first {
			ox, oy = append(ox, xs[second]), append(oy, ys[second])
		}
	}
	return ox, oy
}

// entry is a line of a legend.
type entry struct {
	name string
	k    color.RGBA
	dots bool
}

// legendRows writes samples and names between x and right, in as many rows as they
// take, and returns where the last row is.
func (c *canvas) legendRows(entries []entry, x, y, right float64) float64 {
	limit := right - x - 19
	from, at := 0, x
	for i, e := range entries {
		width := 19 + noteFont.width(shorten(clean(e.name), noteFont, limit)) + 14
		if i > from && at+width-14 > right {
			c.legend(entries[from:i], x, y, limit)
			from, at, y = i, x, y+14
		}
		at += width
	}
	c.legend(entries[from:], x, y, limit)
	return y
}

// legend writes samples and names in a row that starts at x.
func (c *canvas) legend(entries []entry, x, y, limit float64) {
	for _, e := range entries {
		name := shorten(clean(e.name), noteFont, limit)
		if e.dots {
			c.dot(x+7, y-3, 2.6, e.k, "")
		} else {
			c.line([]xy{{x, y - 3}, {x + 14, y - 3}}, 2, e.k)
		}
		c.text(name, x+19, y, noteFont, slate, 0)
		x += 19 + noteFont.width(name) + 14
	}
}
