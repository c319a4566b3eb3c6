package plot

import (
	"image"
	"image/color"
)

// op is one shape of a figure. Coordinates are points (1/72 inch) from the top
// left corner.
type op struct {
	kind   opKind
	pts    []xy        // outline or line; for opText and opImage the position in pts[0]
	w, h   float64     // of an image
	color  color.RGBA  // fill of shapes, color of lines and text; not premultiplied
	width  float64     // of lines
	dash   []float64   // lengths on and off, nil for a solid line
	text   string      // of opText
	font   fontSpec    // of opText
	anchor float64     // 0 starts at the position, 0.5 is centered, 1 ends there
	turn   float64     // degrees clockwise about the position
	img    image.Image // of opImage
	smooth bool        // of opImage: interpolate when enlarging
	tip    string      // shown when pointed at, in SVG
}

type opKind int

const (
	opFill opKind = iota
	opLine
	opText
	opImage
)

type xy struct{ x, y float64 }

// fontSpec is a size in points and a weight.
type fontSpec struct {
	size float64
	bold bool
}

// canvas collects shapes.
type canvas struct{ ops []op }

func (c *canvas) rect(x, y, w, h float64, k color.RGBA, tip string) {
	c.ops = append(c.ops, op{kind: opFill, color: k, tip: tip, pts: []xy{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}})
}

func (c *canvas) line(pts []xy, width float64, k color.RGBA, dash ...float64) {
	c.ops = append(c.ops, op{kind: opLine, color: k, pts: pts, width: width, dash: dash})
}

// box outlines a rectangle.
func (c *canvas) box(x, y, w, h, width float64, k color.RGBA) {
	c.line([]xy{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}, {x, y}}, width, k)
}

func (c *canvas) dot(x, y, radius float64, k color.RGBA, tip string) {
	c.ops = append(c.ops, op{kind: opFill, color: k, pts: circle(x, y, radius), tip: tip})
}

// text writes one line whose baseline is at y.
func (c *canvas) text(s string, x, y float64, f fontSpec, k color.RGBA, anchor float64) {
	c.turned(s, "", x, y, f, k, anchor, 0)
}

// turned writes one line, turned clockwise by degrees about (x,y). tip is what
// to show when pointed at: the whole of a shortened name.
func (c *canvas) turned(s, tip string, x, y float64, f fontSpec, k color.RGBA, anchor, degrees float64) {
	if s == "" {
		return
	}
	c.ops = append(c.ops, op{kind: opText, text: s, pts: []xy{{x, y}}, font: f, color: k, anchor: anchor, turn: degrees, tip: tip})
}

func (c *canvas) image(img image.Image, x, y, w, h float64, smooth bool, tip string) {
	c.ops = append(c.ops, op{kind: opImage, img: img, pts: []xy{{x, y}}, w: w, h: h, smooth: smooth, tip: tip})
}

// figure finishes the drawing on white paper.
func (c *canvas) figure(title string, w, h float64, s Size) *Figure {
	back := op{kind: opFill, color: paper, pts: []xy{{0, 0}, {w, 0}, {w, h}, {0, h}}}
	return &Figure{width: w, height: h, scale: s.scale(), title: title, ops: append([]op{back}, c.ops...)}
}
