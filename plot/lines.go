package plot

import (
	"fmt"
	"math"
)

// Curve is a named series of points. X may be nil, for 0, 1, 2, …
type Curve struct {
	Name string
	X, Y []float64
	Dots bool // draw points joined by a thin line, for one value per epoch
}

// LineOptions are the choices of the line plots; the zero value has linear axes
// and the default size, 6.4 by 4 inches.
type LineOptions struct {
	Title, XLabel, YLabel string
	LogX, LogY            bool
	Size                  Size
}

// MaxPoints bounds the points of one curve.
const MaxPoints = 50_000_000

// checkCurves fills in X and finds mistakes.
func checkCurves(curves []Curve) ([]Curve, error) {
	if len(curves) == 0 {
		return nil, fmt.Errorf("plot: there is no curve to draw")
	}
	out := make([]Curve, len(curves))
	for i, c := range curves {
		if c.X == nil {
			c.X = make([]float64, len(c.Y))
			for k := range c.X {
				c.X[k] = float64(k)
			}
		}
		if len(c.X) != len(c.Y) {
			return nil, fmt.Errorf("plot: curve %q has %d x and %d y values", c.Name, len(c.X), len(c.Y))
		}
		if len(c.Y) > MaxPoints {
			return nil, fmt.Errorf("plot: curve %q has %d points, more than %d", c.Name, len(c.Y), MaxPoints)
		}
		out[i] = c
	}
	return out, nil
}

// Lines draws curves over common axes. Values that are not finite (and on a
// logarithmic axis not positive) leave gaps; long curves are thinned so that
// their extremes stay. It returns an error when there is no curve or the
// lengths of X and Y differ.
func Lines(curves []Curve, o LineOptions) (*Figure, error) {
	curves, err := checkCurves(curves)
	if err != nil {
		return nil, err
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	w, h := o.Size.points(460, 300)
	c := &canvas{}
	top := c.title(o.Title, curves, w)
	c.linePanel(curves, o, 58, top, w-58-16, h-top-40)
	return c.figure(o.Title, w, h, o.Size), nil
}

// title writes the title and the legend and returns where the plot may begin.
func (c *canvas) title(title string, curves []Curve, w float64) float64 {
	y := 14.0
	if title != "" {
		c.text(shorten(clean(title), titleFont, w-24), 14, 21, titleFont, ink, 0)
		y = 38
	}
	if len(curves) > 1 {
		var entries []entry
		for i, k := range curves {
			entries = append(entries, entry{k.Name, seriesColor(i), k.Dots})
		}
		y = c.legendRows(entries, 14, y+4, w-14) - 4 + 14
	}
	return y
}

// linePanel draws curves in a panel at x, y, w×h points.
func (c *canvas) linePanel(curves []Curve, o LineOptions, x, y, w, h float64) *panel {
	var xs, ys [][]float64
	for _, k := range curves {
		xs, ys = append(xs, k.X), append(ys, k.Y)
	}
	p := &panel{c: c, x: x, y: y, w: max(w, 10), h: max(h, 10), ax: span(o.LogX, 0.015, xs...), ay: span(o.LogY, 0.06, ys...)}
	p.ax.whole = wholes(xs)
	p.grid(o.XLabel, o.YLabel)
	if !p.any(curves) {
		c.text("nothing to show yet", x+w/2, y+h/2, noteFont, faint, 0.5)
	}
	for i, k := range curves {
		col := seriesColor(i)
		width := 1.8
		if k.Dots {
			width = 1.1
		}
		p.curve(k.X, k.Y, width, col)
		if !k.Dots || len(k.X) > 400 {
			continue
		}
		for j, v := range k.Y {
			if p.ax.shows(k.X[j]) && p.ay.shows(v) {
				q := p.point(k.X[j], v)
				c.dot(q.x, q.y, 2.8, col, fmt.Sprintf("%s: %s at %s", clean(k.Name), compact(v), compact(k.X[j])))
			}
		}
	}
	return p
}

// any says whether a curve has a point that can be drawn.
func (p *panel) any(curves []Curve) bool {
	for _, k := range curves {
		for i, y := range k.Y {
			if p.ax.shows(k.X[i]) && p.ay.shows(y) {
				return true
			}
		}
	}
	return false
}

// wholes says whether all positions are whole numbers, as steps and epochs are.
func wholes(xs [][]float64) bool {
	for _, x := range xs {
		for _, v := range x {
			if v != math.Trunc(v) {
				return false
			}
		}
	}
	return true
}

// Point is one value at a step.
type Point struct {
	Step  float64
	Value float64
}

// skipStart is how many of the first training losses are not shown, as
// fastai's Recorder.plot_loss(skip_start=5): they are large and flatten the rest.
const skipStart = 5

// Losses draws the training loss of every step (the smoothed one that is shown
// while training) and the validation losses, one per epoch, at the step at
// which they were measured. As in fastai's Recorder.plot_loss the first 5
// training losses are left out, when there are more than 20.
func Losses(train []float64, valid []Point, o LineOptions) (*Figure, error) {
	t := Curve{Name: "train"}
	skip := 0
	if len(train) > 4*skipStart {
		skip = skipStart
	}
	for i, v := range train[skip:] {
		t.X, t.Y = append(t.X, float64(i+skip)), append(t.Y, v)
	}
	curves := []Curve{t}
	if len(valid) > 0 {
		curves = append(curves, pointCurve("valid", valid))
	}
	fillLabels(&o, "Losses", "step", "loss")
	return Lines(curves, o)
}

func pointCurve(name string, pts []Point) Curve {
	v := Curve{Name: name, Dots: true}
	for _, p := range pts {
		v.X, v.Y = append(v.X, p.Step), append(v.Y, p.Value)
	}
	return v
}

func fillLabels(o *LineOptions, title, x, y string) {
	if o.Title == "" {
		o.Title = title
	}
	if o.XLabel == "" {
		o.XLabel = x
	}
	if o.YLabel == "" {
		o.YLabel = y
	}
}

// Metrics draws one small plot per metric over epochs, side by side in rows of
// up to three, each with an axis of its own, because metrics have different
// units. It returns an error when there is none.
func Metrics(metrics []Curve, o LineOptions) (*Figure, error) {
	metrics, err := checkCurves(metrics)
	if err != nil {
		return nil, err
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	fillLabels(&o, "Metrics", "epoch", "")
	cols := min(len(metrics), 3)
	rows := (len(metrics) + cols - 1) / cols
	w, h := o.Size.points(max(300, 230*float64(cols)), 34+190*float64(rows))
	c := &canvas{}
	top := c.title(o.Title, nil, w)
	pw, ph := w/float64(cols), (h-top)/float64(rows)
	for i, m := range metrics {
		x, y := pw*float64(i%cols), top+ph*float64(i/cols)
		head := fontSpec{10, true}
		c.text(shorten(clean(m.Name), head, pw-60), x+48, y+12, head, slate, 0)
		m.Dots = true
		c.linePanel([]Curve{m}, LineOptions{XLabel: o.XLabel, LogY: o.LogY}, x+48, y+20, pw-48-14, ph-20-38)
	}
	return c.figure(o.Title, w, h, o.Size), nil
}

// Schedules draws the learning rates of every step, one curve per layer group,
// and the momentum beside them, as fastai's Recorder.plot_sched. lrs is
// [steps][groups]; groups are named by their number from the input's side.
// momentum is [steps], or nil for none. Learning rates that differ tenfold or
// more between groups get a logarithmic axis.
func Schedules(lrs [][]float64, momentum []float64, o LineOptions) (*Figure, error) {
	if len(lrs) == 0 {
		return nil, fmt.Errorf("plot: the schedule has no steps")
	}
	groups := len(lrs[0])
	if groups == 0 {
		return nil, fmt.Errorf("plot: the schedule has no layer groups")
	}
	curves := make([]Curve, groups)
	top := make([]float64, groups)
	for g := range curves {
		curves[g].Name = fmt.Sprintf("group %d", g)
		for s, row := range lrs {
			if len(row) != groups {
				return nil, fmt.Errorf("plot: step %d of the schedule has %d learning rates, step 0 has %d", s, len(row), groups)
			}
			curves[g].Y = append(curves[g].Y, row[g])
			top[g] = max(top[g], row[g])
		}
	}
	curves, err := checkCurves(curves)
	if err != nil {
		return nil, err
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	lo, hi := math.Inf(1), 0.0
	for _, v := range top {
		lo, hi = min(lo, v), max(hi, v)
	}
	o.LogY = o.LogY || lo > 0 && hi/lo >= 9.9
	fillLabels(&o, "Schedule", "step", "learning rate")
	two := len(momentum) > 0
	wide := 460.0
	if two {
		wide = 680
	}
	w, h := o.Size.points(wide, 270)
	c := &canvas{}
	y := c.title(o.Title, curves, w)
	pw := w
	if two {
		pw = w / 2
	}
	c.linePanel(curves, o, 60, y, pw-60-14, h-y-40)
	if two {
		m, err := checkCurves([]Curve{{Name: "momentum", Y: momentum}})
		if err != nil {
			return nil, err
		}
		c.linePanel(m, LineOptions{XLabel: o.XLabel, YLabel: "momentum"}, pw+60, y, pw-60-14, h-y-40)
	}
	return c.figure(o.Title, w, h, o.Size), nil
}
