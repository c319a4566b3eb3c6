package plot

import (
	"fmt"
	"image/color"
	"math"
)

// ReliabilityBin is one bar of a reliability diagram: the examples whose
// probability of the predicted class is between Lo and Hi.
type ReliabilityBin struct {
	Lo, Hi     float64 // 0..1
	Count      int
	Confidence float64 // mean probability, 0..1
	Accuracy   float64 // share that is right, 0..1
}

// ReliabilityOptions are the choices of Reliability. ECE is printed when it is
// not negative and finite.
type ReliabilityOptions struct {
	Title string
	ECE   float64 // expected calibration error, 0..1; negative prints none
	Size  Size
}

// What confidence lacks of accuracy, or has too much.
var (
	tooSure   = color.RGBA{0xf2, 0xcb, 0xad, 255}
	tooModest = color.RGBA{0x5f, 0xb8, 0xa0, 255}
)

// Reliability draws how often a model is right against how sure it is: a bar
// per bin, the diagonal on which a calibrated model's bars end, the gap between
// them shaded, and below how many examples each bin has. It returns an error
// when there is no bin or a number is out of range.
func Reliability(bins []ReliabilityBin, o ReliabilityOptions) (*Figure, error) {
	if len(bins) == 0 {
		return nil, fmt.Errorf("plot: a reliability diagram needs at least one bin")
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	most, total := 0, 0
	for i, b := range bins {
		for _, v := range []float64{b.Lo, b.Hi, b.Confidence, b.Accuracy} {
			if !(v >= 0 && v <= 1) {
				return nil, fmt.Errorf("plot: bin %d of the reliability diagram has %v, expected numbers in 0..1", i, v)
			}
		}
		if b.Count < 0 || b.Hi < b.Lo {
			return nil, fmt.Errorf("plot: bin %d of the reliability diagram has count %d from %v to %v", i, b.Count, b.Lo, b.Hi)
		}
		most, total = max(most, b.Count), total+b.Count
	}
	if o.Title == "" {
		o.Title = "Reliability"
	}
	w, h := o.Size.points(360, 430)
	c := &canvas{}
	c.text(shorten(clean(o.Title), titleFont, w-24), 14, 21, titleFont, ink, 0)
	note := fmt.Sprintf("%d examples", total)
	if o.ECE >= 0 && !math.IsInf(o.ECE, 0) {
		note = fmt.Sprintf("expected calibration error %.3f · %s", o.ECE, note)
	}
	c.text(shorten(note, noteFont, w-24), 14, 35, noteFont, faint, 0)
	const left, below = 58, 96
	p := &panel{c: c, x: left, y: 68, w: w - left - 18, h: max(h-68-below, 30), ax: axis{lo: 0, hi: 1}, ay: axis{lo: 0, hi: 1}}
	c.legend([]entry{{"accuracy", seriesColor(0), false}, {"too sure by", tooSure, false}, {"too modest by", tooModest, false}}, 14, 52, 90)
	p.grid("", "accuracy")
	for _, b := range bins {
		if b.Count == 0 {
			continue
		}
		tip := fmt.Sprintf("%.2f to %.2f: %d examples, mean probability %.3f, accuracy %.3f", b.Lo, b.Hi, b.Count, b.Confidence, b.Accuracy)
		bar := func(from, to float64, k color.RGBA) {
			a, z := p.point(b.Lo, to), p.point(b.Hi, from)
			c.rect(a.x+0.5, a.y, z.x-a.x-1, z.y-a.y, k, tip)
		}
		bar(0, min(b.Accuracy, b.Confidence), seriesColor(0))
		if b.Confidence > b.Accuracy {
			bar(b.Accuracy, b.Confidence, tooSure)
		} else {
			bar(b.Confidence, b.Accuracy, tooModest)
		}
	}
	c.line([]xy{p.point(0, 0), p.point(1, 1)}, 1, slate, 4, 3)
	c.text("probability of the predicted class", p.x+p.w/2, h-12, axisFont, slate, 0.5)
	// The histogram below shares the horizontal axis.
	base, high := h-30.0, 40.0
	c.turned("count", "", p.x-38, base-high/2, axisFont, slate, 0.5, -90)
	c.text(fmt.Sprint(most), p.x-5, base-high+tickFont.size*0.7, tickFont, slate, 1)
	for _, b := range bins {
		if b.Count == 0 {
			continue
		}
		x0, x1 := p.point(b.Lo, 0).x, p.point(b.Hi, 0).x
		t := max(high*float64(b.Count)/float64(most), 0.7)
		c.rect(x0+0.5, base-t, x1-x0-1, t, frame, fmt.Sprintf("%d examples", b.Count))
	}
	c.line([]xy{{p.x, base}, {p.x + p.w, base}}, 0.9, frame)
	return c.figure(o.Title, w, h, o.Size), nil
}
