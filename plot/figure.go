// Package plot draws the pictures that explain a training run: confusion
// matrix, learning-rate curve, losses, metrics, schedules, grids of pictures,
// reliability diagram and heat maps over pictures, as PNG and as SVG.
//
// It takes plain numbers and names, so that any package may use it. Every
// function returns a Figure, which is a list of shapes not yet turned into
// pixels: write it as PNG at any resolution, or as SVG, in which text stays
// text, cells carry tooltips and the reader's own fonts are used.
//
// It draws itself instead of using a plotting library because class names are
// the hard part of these plots: hundreds of them, long, and in any script. Text
// is measured before it is placed and shaped as its script wants (HarfBuzz's
// algorithm); a character that the embedded Go fonts lack is looked for in the
// system's fonts, and drawn as a box with its code when no font has it. So a
// PNG with such names depends on the fonts installed; all else is the same
// everywhere.
package plot

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
)

// DefaultDPI is the resolution of a PNG when none is given: two pixels to a
// point, which is sharp on a dense screen and printable.
const DefaultDPI = 144

// MaxPixels bounds the area of a PNG, 100 megapixels: 400 MB while it is drawn.
const MaxPixels = 100_000_000

// Size is the size of a figure, as matplotlib's figsize and dpi. Zeros choose:
// width and height by what is shown, DPI as DefaultDPI.
type Size struct {
	Width, Height float64 // inches
	DPI           float64 // pixels per inch of a PNG
}

// check returns an error that names the field that is out of range.
func (s Size) check() error {
	for _, f := range []struct {
		name string
		v    float64
		max  float64
	}{{"Width", s.Width, 400}, {"Height", s.Height, 400}, {"DPI", s.DPI, 2400}} {
		if !(f.v >= 0 && f.v <= f.max) {
			return fmt.Errorf("plot: Size.%s is %v; it must be in 0..%v, where 0 chooses", f.name, f.v, f.max)
		}
	}
	return nil
}

// points returns width and height in points, with defaults for zeros.
func (s Size) points(w, h float64) (float64, float64) {
	if s.Width > 0 {
		w = s.Width * 72
	}
	if s.Height > 0 {
		h = s.Height * 72
	}
	return w, h
}

// scale returns pixels per point.
func (s Size) scale() float64 {
	if s.DPI > 0 {
		return s.DPI / 72
	}
	return DefaultDPI / 72.
}

// Figure is a finished drawing, to be written as PNG or SVG. It is safe for
// concurrent use.
type Figure struct {
	width, height float64 // points
	scale         float64 // pixels per point
	title         string
	ops           []op
}

// Size returns the width and height in pixels that WritePNG gives.
func (f *Figure) Size() (width, height int) {
	return max(1, int(f.width*f.scale+0.5)), max(1, int(f.height*f.scale+0.5))
}

// Image draws the figure. It returns an error when the picture would have more
// than MaxPixels.
func (f *Figure) Image() (*image.RGBA, error) {
	w, h := f.Size()
	if float64(w)*float64(h) > MaxPixels {
		return nil, fmt.Errorf("plot: the figure is %d×%d pixels, more than %d million; lower its DPI or size, or write SVG", w, h, MaxPixels/1_000_000)
	}
	return newRaster(w, h, f.scale).draw(f.ops), nil
}

// WritePNG writes the figure as a PNG file.
func (f *Figure) WritePNG(w io.Writer) error {
	img, err := f.Image()
	if err != nil {
		return err
	}
	if err := png.Encode(w, img); err != nil {
		return fmt.Errorf("plot: writing PNG: %w", err)
	}
	return nil
}

// WriteSVG writes the figure as a complete SVG document without references to
// other files: it can stand alone or be put into an HTML page.
func (f *Figure) WriteSVG(w io.Writer) error {
	b := bufio.NewWriter(w)
	if err := writeSVG(b, f); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("plot: writing SVG: %w", err)
	}
	return nil
}

// Save writes the figure to a file as its extension says, .png or .svg. The
// file is whole or absent, never half-written. The folder must exist.
func (f *Figure) Save(path string) error {
	var write func(io.Writer) error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
		write = f.WritePNG
	case ".svg":
		write = f.WriteSVG
	default:
		return fmt.Errorf("plot: cannot write %s: the extension is %q; use .png or .svg", path, ext)
	}
	if err := files.WriteFile(path, write); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// Colors of all figures. The series are Okabe and Ito's, which people with
// any kind of color vision can tell apart.
var (
	paper  = color.RGBA{255, 255, 255, 255}
	ink    = color.RGBA{0x22, 0x28, 0x30, 255} // titles
	slate  = color.RGBA{0x4a, 0x52, 0x5c, 255} // labels
	faint  = color.RGBA{0x86, 0x8e, 0x98, 255} // notes
	rule   = color.RGBA{0xe4, 0xe7, 0xeb, 255} // grid lines
	frame  = color.RGBA{0xb4, 0xba, 0xc2, 255} // axes
	good   = color.RGBA{0x00, 0x7a, 0x5a, 255}
	bad    = color.RGBA{0xc0, 0x45, 0x00, 255}
	series = []color.RGBA{
		{0x00, 0x72, 0xb2, 255}, {0xd5, 0x5e, 0x00, 255}, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255},
		{0x56, 0xb4, 0xe9, 255}, {0xe6, 0x9f, 0x00, 255}, {0x5b, 0x5b, 0x5b, 255},
	}
)

func seriesColor(i int) color.RGBA { return series[i%len(series)] }
