package plot

import (
	"fmt"
	"math"
	"strconv"
)

// ConfusionOptions are the choices of ConfusionMatrix; the zero value shows
// counts at a size that fits the number of classes.
type ConfusionOptions struct {
	Title     string // above the plot; empty means "Confusion matrix"
	Normalize bool   // show percent of the row instead of counts
	Size      Size   // Width and Height bound the figure; cells stay square
}

// MaxClasses is the largest confusion matrix that is drawn.
const MaxClasses = 2000

// ConfusionMatrix draws counts[actual][predicted], a C×C matrix, with actual
// classes as rows, as fastai's plot_confusion_matrix. Cells are colored by
// their share of the row: blue on the diagonal, where predictions are right,
// and orange off it; the orange grows with the root of the share, so that rare
// mistakes are seen. Numbers are written where they fit. Long names are
// shortened in the middle; in SVG, pointing at a cell or a name shows it whole.
//
// It returns an error when the matrix is not square, does not fit the names, is
// larger than MaxClasses or has a negative count.
func ConfusionMatrix(vocab []string, counts [][]int, o ConfusionOptions) (*Figure, error) {
	n := len(vocab)
	if n == 0 || n > MaxClasses {
		return nil, fmt.Errorf("plot: a confusion matrix of %d classes; it must have 1..%d", n, MaxClasses)
	}
	if len(counts) != n {
		return nil, fmt.Errorf("plot: the confusion matrix has %d rows for %d classes", len(counts), n)
	}
	for i, row := range counts {
		if len(row) != n {
			return nil, fmt.Errorf("plot: row %d (%s) of the confusion matrix has %d columns for %d classes", i, vocab[i], len(row), n)
		}
		for j, v := range row {
			if v < 0 {
				return nil, fmt.Errorf("plot: the confusion matrix has %d at row %d, column %d; counts are not negative", v, i, j)
			}
		}
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	if o.Title == "" {
		o.Title = "Confusion matrix"
	}
	return newMatrix(vocab, counts, o).draw(), nil
}

// matrix is a confusion matrix laid out. Lengths are points.
type matrix struct {
	vocab  []string
	counts [][]int
	sums   []int
	o      ConfusionOptions

	canvas canvas
	cell   float64
	label  fontSpec
	names  []string // shortened
	reach  float64  // width of the longest
	tilt   float64  // degrees of the column names
	x0, y0 float64  // top left corner of the cells
	w, h   float64
	base   float64 // height of the layout, at most h
}

// leastWidth leaves room for the title and the legend, in points.
const leastWidth = 250

// cellFor is the side of a cell when the size is free: generous for a few
// classes, and at 200 just enough for a name in small print.
func cellFor(n int) float64 {
	switch {
	case n <= 4:
		return 56
	case n <= 12:
		return 36
	}
	return max(7, min(30, 640/float64(n)))
}

func newMatrix(vocab []string, counts [][]int, o ConfusionOptions) *matrix {
	m := &matrix{vocab: vocab, counts: counts, o: o, sums: make([]int, len(vocab))}
	for i, row := range counts {
		for _, v := range row {
			m.sums[i] += v
		}
	}
	m.layout(cellFor(len(vocab)))
	if o.Size.Width == 0 && o.Size.Height == 0 {
		m.w = max(m.w, leastWidth)
		return m
	}
	// The largest cells with which everything fits: names change with the
	// cells, so it is searched for.
	wide, high := math.Inf(1), math.Inf(1)
	if o.Size.Width > 0 {
		wide = o.Size.Width * 72
	}
	if o.Size.Height > 0 {
		high = o.Size.Height * 72
	}
	lo, hi := 0.5, 400.0
	for range 24 {
		mid := (lo + hi) / 2
		if m.layout(mid); m.w <= wide && m.h <= high {
			lo = mid
		} else {
			hi = mid
		}
	}
	m.layout(lo)
	m.w, m.h = o.Size.points(m.w, m.h)
	return m
}

func (m *matrix) layout(cell float64) {
	n := float64(len(m.vocab))
	// Whole pixels keep cells equal and their borders sharp.
	s := m.o.Size.scale()
	m.cell = max(cell, 0.5)
	if px := math.Floor(m.cell*s + 1e-6); px >= 2 {
		m.cell = px / s
	}
	m.label = fontSpec{size: min(max(10.5, min(m.cell*0.1, 16)), max(m.cell*0.86, 3))}
	m.names, m.reach = shortened(m.vocab, m.label, max(60, min(170, m.label.size*19)))
	m.tilt = 90
	drop := m.reach
	if len(m.vocab) <= 12 && m.reach > m.cell-4 {
		m.tilt = 45
		drop = m.reach*math.Sqrt2/2 + m.label.size
	} else if m.reach <= m.cell-4 {
		m.tilt = 0
		drop = m.label.size
	}
	const title, axis, pad = 44, 20, 14
	snap := func(v float64) float64 { return math.Ceil(v*s) / s }
	m.x0 = snap(pad + axis + m.reach + 6)
	m.y0 = snap(title)
	m.w = m.x0 + n*m.cell + pad
	m.h = m.y0 + n*m.cell + 6 + drop + axis + 34
	m.base = m.h
	if m.tilt == 45 { // the first column's name reaches out to the left
		if out := m.reach * math.Sqrt2 / 2; out > m.x0+m.cell/2-4 {
			m.x0 = snap(out - m.cell/2 + 4)
			m.w = m.x0 + n*m.cell + pad
		}
	}
}

func (m *matrix) draw() *Figure {
	c := &m.canvas
	n := len(m.vocab)
	side := m.cell * float64(n)
	m.heading()
	c.rect(m.x0, m.y0, side, side, shade(0, 250), "")
	m.rules(side)
	for i := range n {
		for j := range n {
			m.drawCell(i, j)
		}
	}
	c.box(m.x0, m.y0, side, side, 0.75, frame)
	m.labels(side)
	m.legend()
	return c.figure(m.o.Title, m.w, m.h, m.o.Size)
}

func (m *matrix) heading() {
	right, total := 0, 0
	for i, row := range m.counts {
		right += row[i]
		total += m.sums[i]
	}
	c := &m.canvas
	bold := fontSpec{13, true}
	c.text(shorten(clean(m.o.Title), bold, m.w-24), 12, 20, bold, ink, 0)
	unit := "counts"
	if m.o.Normalize {
		unit = "percent of each row"
	}
	note := fmt.Sprintf("%d of %d right", right, total)
	if total > 0 {
		note += fmt.Sprintf(" (%.1f %%)", 100*float64(right)/float64(total))
	}
	small := fontSpec{9, false}
	c.text(shorten(note+" · "+unit, small, m.w-24), 12, 34, small, faint, 0)
}

// rules are fine lines between cells, and every tenth a stronger one in large
// matrices, by which the eye finds its row.
func (m *matrix) rules(side float64) {
	c := &m.canvas
	n := len(m.vocab)
	for i := 1; i < n; i++ {
		d := float64(i) * m.cell
		width, k := 0.5, paper
		if n > 20 && i%10 == 0 {
			width, k = 0.6, frame
		} else if m.cell < 4 {
			continue
		}
		c.line([]xy{{m.x0 + d, m.y0}, {m.x0 + d, m.y0 + side}}, width, k)
		c.line([]xy{{m.x0, m.y0 + d}, {m.x0 + side, m.y0 + d}}, width, k)
	}
}

const (
	rightHue   = 250 // blue
	mistakeHue = 50  // orange
)

func (m *matrix) drawCell(i, j int) {
	v := m.counts[i][j]
	if v == 0 && i != j {
		return
	}
	share := 0.0
	if m.sums[i] > 0 {
		share = float64(v) / float64(m.sums[i])
	}
	k := shade(share, rightHue)
	if i != j {
		k = shade(0.12+0.88*math.Sqrt(share), mistakeHue)
	}
	x, y := m.x0+float64(j)*m.cell, m.y0+float64(i)*m.cell
	gap := 0.5
	if m.cell < 6 {
		gap = 0
	}
	tip := fmt.Sprintf("%s, predicted %s: %d of %d (%.1f %%)", clean(m.vocab[i]), clean(m.vocab[j]), v, m.sums[i], 100*share)
	m.canvas.rect(x+gap/2, y+gap/2, m.cell-gap, m.cell-gap, k, tip)
	text := strconv.Itoa(v)
	if m.o.Normalize {
		text = strconv.FormatFloat(100*share, 'f', 0, 64)
		if v > 0 && text == "0" {
			text = "<1"
		}
	}
	f := fontSpec{min(m.cell*0.62, max(13, m.cell*0.15)), i == j && m.cell > 20}
	if room := m.cell * 0.88; f.width(text) > room {
		f.size *= room / f.width(text)
	}
	if f.size >= 2.8 { // smaller print is only noise
		m.canvas.text(text, x+m.cell/2, y+m.cell/2+f.size*0.36, f, on(k), 0.5)
	}
}

// labels writes the names beside rows and below columns, all of them where a
// row is high enough for print, every second, fifth, tenth … where not.
func (m *matrix) labels(side float64) {
	c := &m.canvas
	step := 1
	for _, s := range []int{1, 2, 5, 10, 20, 50, 100} {
		step = s
		if m.cell*float64(s) >= m.label.size*0.98 {
			break
		}
	}
	for i := 0; i < len(m.names); i += step {
		mid := (float64(i) + 0.5) * m.cell
		full := clean(m.vocab[i])
		c.turned(m.names[i], full, m.x0-5, m.y0+mid+m.label.size*0.36, m.label, slate, 1, 0)
		x, y := m.x0+mid, m.y0+side+6
		switch m.tilt {
		case 0:
			c.turned(m.names[i], full, x, y+m.label.size, m.label, slate, 0.5, 0)
		case 45:
			c.turned(m.names[i], full, x+m.label.size*0.3, y+m.label.size*0.5, m.label, slate, 1, -45)
		default:
			c.turned(m.names[i], full, x+m.label.size*0.36, y, m.label, slate, 1, -90)
		}
	}
	axis := fontSpec{max(10, m.label.size), true}
	c.turned("Actual", "", 20, m.y0+side/2, axis, slate, 0.5, -90)
	c.text("Predicted", m.x0+side/2, m.base-34, axis, slate, 0.5)
}

// legend explains the two scales below everything.
func (m *matrix) legend() {
	if m.w < 240 {
		return
	}
	c := &m.canvas
	f := fontSpec{8, false}
	x, y, w := 12.0, m.base-20, 40.0
	for _, part := range []struct {
		name  string
		color func(v float64) (k float64, hue float64)
	}{
		{"right", func(v float64) (float64, float64) { return v, rightHue }},
		{"mistaken", func(v float64) (float64, float64) { return 0.12 + 0.88*math.Sqrt(v), mistakeHue }},
	} {
		c.text(part.name, x, y+7, f, faint, 0)
		x += f.width(part.name) + 5
		for i := range 20 {
			k, hue := part.color((float64(i) + 0.5) / 20)
			c.rect(x+w*float64(i)/20, y, w/20+0.6, 8, shade(k, hue), "")
		}
		x += w + 14
	}
	c.text("0–100 % of the row", x-6, y+7, f, faint, 0)
}
