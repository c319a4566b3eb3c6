package plot

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strconv"
	"strings"
)

// fontFamily names what a viewer may have, so that every script is covered.
const fontFamily = `Go, "Helvetica Neue", Helvetica, Arial, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif`

// writeSVG writes the document; errors of the buffered writer surface at Flush.
func writeSVG(b *bufio.Writer, f *Figure) error {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%spt" height="%spt" role="img" font-family="%s">`,
		num(f.width), num(f.height), num(f.width), num(f.height), escape(fontFamily))
	fmt.Fprintf(b, "\n<title>%s</title>\n", escape(f.title))
	for _, o := range f.ops {
		switch o.kind {
		case opFill:
			if x, y, w, h, ok := upright(o.pts); ok {
				fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" %s`, num(x), num(y), num(w), num(h), fill(o.color))
				finish(b, "rect", o.tip)
				continue
			}
			fmt.Fprintf(b, `<path d="%sZ" %s`, svgPath(o.pts), fill(o.color))
			finish(b, "path", o.tip)
		case opLine:
			fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="%s" stroke-linejoin="round"`, svgPath(o.pts), hex(o.color), num(o.width))
			if o.color.A != 255 {
				fmt.Fprintf(b, ` stroke-opacity="%s"`, num(float64(o.color.A)/255))
			}
			if len(o.dash) > 0 {
				var d []string
				for _, v := range o.dash {
					d = append(d, num(v))
				}
				fmt.Fprintf(b, ` stroke-dasharray="%s"`, strings.Join(d, " "))
			}
			finish(b, "path", o.tip)
		case opText:
			svgText(b, o)
		case opImage:
			href, err := dataURI(o.img)
			if err != nil {
				return fmt.Errorf("plot: putting a picture into SVG: %w", err)
			}
			fmt.Fprintf(b, `<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none"`, num(o.pts[0].x), num(o.pts[0].y), num(o.w), num(o.h))
			if !o.smooth {
				b.WriteString(` style="image-rendering:pixelated"`)
			}
			fmt.Fprintf(b, ` href="%s"`, href)
			finish(b, "image", o.tip)
		}
	}
	b.WriteString("</svg>\n")
	return nil
}

// finish closes an element, with a tooltip if there is one.
func finish(b *bufio.Writer, element, tip string) {
	if tip == "" {
		b.WriteString("/>\n")
		return
	}
	fmt.Fprintf(b, "><title>%s</title></%s>\n", escape(tip), element)
}

func svgText(b *bufio.Writer, o op) {
	fmt.Fprintf(b, `<text x="%s" y="%s" font-size="%s" %s`, num(o.pts[0].x), num(o.pts[0].y), num(o.font.size), fill(o.color))
	if o.font.bold {
		b.WriteString(` font-weight="bold"`)
	}
	switch {
	case o.anchor == 1:
		b.WriteString(` text-anchor="end"`)
	case o.anchor > 0:
		b.WriteString(` text-anchor="middle"`)
	}
	if o.turn != 0 {
		fmt.Fprintf(b, ` transform="rotate(%s %s %s)"`, num(o.turn), num(o.pts[0].x), num(o.pts[0].y))
	}
	// The viewer's font may be wider than the one measured here: a longer text
	// is told how long to be, so that it does not run into its neighbor.
	if l := shape(o.text, o.font.bold); len(l.glyphs) > 8 && l.known() {
		fmt.Fprintf(b, ` textLength="%s" lengthAdjust="spacingAndGlyphs"`, num(l.width*o.font.size))
	}
	b.WriteByte('>')
	if o.tip != "" {
		fmt.Fprintf(b, "<title>%s</title>", escape(o.tip))
	}
	fmt.Fprintf(b, "%s</text>\n", escape(o.text))
}

// dataURI embeds a picture: JPEG when it is opaque and large enough to matter.
func dataURI(img image.Image) (string, error) {
	var buf bytes.Buffer
	opaque, _ := img.(interface{ Opaque() bool })
	size := img.Bounds().Size()
	if opaque != nil && opaque.Opaque() && size.X*size.Y > 64*64 {
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 88}); err != nil {
			return "", err
		}
		return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(buf.Bytes()), nil
	}
	if err := png.Encode(&buf, img); err != nil {
		return "", err
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}

// upright recognizes the rectangles that canvas.rect makes.
func upright(p []xy) (x, y, w, h float64, ok bool) {
	if len(p) != 4 || p[0].y != p[1].y || p[1].x != p[2].x || p[2].y != p[3].y || p[3].x != p[0].x {
		return
	}
	return p[0].x, p[0].y, p[2].x - p[0].x, p[2].y - p[0].y, true
}

func svgPath(pts []xy) string {
	var b strings.Builder
	for i, p := range pts {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(num(p.x) + " " + num(p.y))
	}
	return b.String()
}

// num writes a coordinate to a hundredth of a point.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func fill(c color.RGBA) string {
	if c.A == 255 {
		return `fill="` + hex(c) + `"`
	}
	return fmt.Sprintf(`fill="%s" fill-opacity="%s"`, hex(c), num(float64(c.A)/255))
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return "" // a strings.Builder does not fail
	}
	return b.String()
}
