package plot

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"
	"strings"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/vector"
)

// raster turns shapes into pixels, with exact coverage at edges.
type raster struct {
	img   *image.RGBA
	scale float64
	ras   *vector.Rasterizer
}

func newRaster(w, h int, scale float64) *raster {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(paper), image.Point{}, draw.Src) // to the last, partial pixel
	return &raster{img: img, scale: scale, ras: vector.NewRasterizer(1, 1)}
}

func (r *raster) draw(ops []op) *image.RGBA {
	for _, o := range ops {
		switch o.kind {
		case opFill:
			r.fill([][]xy{o.pts}, o.color)
		case opLine:
			r.fill(strokes(o.pts, o.width, o.dash), o.color)
		case opText:
			r.text(o)
		case opImage:
			r.picture(o)
		}
	}
	return r.img
}

// fill paints the union of outlines given in points.
func (r *raster) fill(outlines [][]xy, k color.RGBA) {
	var p path
	for _, o := range outlines {
		for i, q := range o {
			if i == 0 {
				p.move(q)
			} else {
				p.line(q)
			}
		}
	}
	r.paint(p, k)
}

// path is outlines, with curves.
type path struct{ segs []segment }

// segment is a piece of an outline: where a point is moved to, or a line,
// quadratic or cubic curve from the last point through args.
type segment struct {
	op   segmentOp
	args [3]xy
}

type segmentOp uint8

// The pieces, numbered as OpenType readers do.
const (
	moveTo segmentOp = iota
	lineTo
	quadTo
	cubeTo
)

func (p *path) move(a xy) { p.segs = append(p.segs, segment{moveTo, [3]xy{a}}) }
func (p *path) line(a xy) { p.segs = append(p.segs, segment{lineTo, [3]xy{a}}) }

func (r *raster) paint(p path, k color.RGBA) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i := range p.segs {
		s := &p.segs[i]
		for j := range points(s.op) {
			q := &s.args[j]
			q.x, q.y = q.x*r.scale, q.y*r.scale
			x0, y0, x1, y1 = min(x0, q.x), min(y0, q.y), max(x1, q.x), max(y1, q.y)
		}
	}
	b := r.img.Rect
	if !(x0 < float64(b.Dx()) && y0 < float64(b.Dy()) && x1 > 0 && y1 > 0) {
		return
	}
	clip := image.Rect(int(math.Floor(max(x0, -1))), int(math.Floor(max(y0, -1))),
		int(math.Ceil(min(x1, float64(b.Dx()))))+1, int(math.Ceil(min(y1, float64(b.Dy()))))+1).Intersect(b)
	if clip.Empty() {
		return
	}
	r.ras.Reset(clip.Dx(), clip.Dy())
	at := func(q xy) (float32, float32) {
		return float32(q.x - float64(clip.Min.X)), float32(q.y - float64(clip.Min.Y))
	}
	for _, s := range p.segs {
		ax, ay := at(s.args[0])
		bx, by := at(s.args[1])
		cx, cy := at(s.args[2])
		switch s.op {
		case moveTo:
			r.ras.ClosePath()
			r.ras.MoveTo(ax, ay)
		case lineTo:
			r.ras.LineTo(ax, ay)
		case quadTo:
			r.ras.QuadTo(ax, ay, bx, by)
		case cubeTo:
			r.ras.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	r.ras.ClosePath()
	straight := color.NRGBA(k)
	r.ras.Draw(r.img, clip, image.NewUniform(straight), image.Point{})
}

func points(op segmentOp) int {
	switch op {
	case quadTo:
		return 2
	case cubeTo:
		return 3
	}
	return 1
}

// text draws a line of text as outlines, so that it may be turned.
func (r *raster) text(o op) {
	l := shape(o.text, o.font.bold)
	sin, cos := math.Sincos(o.turn * math.Pi / 180)
	place := func(q xy) xy {
		x, y := (q.x-l.width*o.anchor)*o.font.size, q.y*o.font.size
		return xy{o.pts[0].x + x*cos - y*sin, o.pts[0].y + x*sin + y*cos}
	}
	for _, g := range l.glyphs {
		segs := g.outline
		if g.code != 0 {
			segs = codeBox(g.code).segs
		}
		var p path
		for _, s := range segs {
			for j := range points(s.op) {
				s.args[j] = place(xy{s.args[j].x + g.x, s.args[j].y + g.y})
			}
			p.segs = append(p.segs, s)
		}
		if len(p.segs) > 0 {
			r.paint(p, o.color)
		}
	}
}

// codeBox is the sign for a character that no font has: a frame with its code
// in hexadecimal, two rows of digits, one em wide.
func codeBox(c rune) path {
	var p path
	ring := func(x0, y0, x1, y1 float64, out bool) {
		pts := []xy{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
		if !out {
			pts[1], pts[3] = pts[3], pts[1]
		}
		p.move(pts[0])
		for _, q := range pts[1:] {
			p.line(q)
		}
	}
	ring(0.06, -0.78, 0.94, 0.14, true)
	ring(0.10, -0.74, 0.90, 0.10, false)
	hex := strings.ToUpper(strconv.FormatInt(int64(c), 16))
	for len(hex) < 4 {
		hex = "0" + hex
	}
	half := (len(hex) + 1) / 2
	size := 0.74 / float64(half) / 0.6
	size = min(size, 0.46)
	for row, digits := range []string{hex[:half], hex[half:]} {
		l := shape(digits, false)
		x := 0.5 - l.width*size/2
		y := -0.36 + 0.41*float64(row)
		for _, g := range l.glyphs {
			for _, s := range g.outline {
				for j := range points(s.op) {
					s.args[j] = xy{x + (g.x+s.args[j].x)*size, y + s.args[j].y*size}
				}
				p.segs = append(p.segs, s)
			}
		}
	}
	return p
}

// picture scales an image into its rectangle.
func (r *raster) picture(o op) {
	x0, y0 := int(o.pts[0].x*r.scale+0.5), int(o.pts[0].y*r.scale+0.5)
	x1, y1 := int((o.pts[0].x+o.w)*r.scale+0.5), int((o.pts[0].y+o.h)*r.scale+0.5)
	to := image.Rect(x0, y0, x1, y1)
	from := o.img.Bounds()
	var by xdraw.Interpolator = xdraw.CatmullRom
	switch {
	case to.Size() == from.Size():
		draw.Draw(r.img, to, o.img, from.Min, draw.Over)
		return
	case !o.smooth && to.Dx() > from.Dx():
		by = xdraw.NearestNeighbor
	}
	by.Scale(r.img, to, o.img, from, xdraw.Over, nil)
}
