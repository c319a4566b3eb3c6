package plot

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
)

// Cell is one picture of a grid, with text below it.
type Cell struct {
	Image image.Image // nil shows an empty frame
	Title string      // bold; may take two lines
	Lines []string    // one line each, shortened to fit
	Mark  Mark        // colors the title
}

// Mark says whether what a cell shows is right or wrong.
type Mark int

// The marks of a Cell.
const (
	Plain Mark = iota // neither: the title is dark
	Right             // green
	Wrong             // orange-red
)

func (m Mark) color() color.RGBA {
	switch m {
	case Right:
		return good
	case Wrong:
		return bad
	}
	return ink
}

// GridOptions are the choices of Grid.
type GridOptions struct {
	Title   string
	Columns int     // 0 chooses: about square, at most 6
	Cell    float64 // side of a picture in points; 0 means 130
	Size    Size    // only DPI is used: the grid is as large as its cells
}

// MaxCells bounds a grid.
const MaxCells = 2500

// Grid lays out pictures with their captions, row by row. Pictures keep their
// proportions; small ones are enlarged without blur. It returns an error when
// there are no cells or more than MaxCells.
func Grid(cells []Cell, o GridOptions) (*Figure, error) {
	if len(cells) == 0 || len(cells) > MaxCells {
		return nil, fmt.Errorf("plot: a grid of %d pictures; it must have 1..%d", len(cells), MaxCells)
	}
	if err := o.Size.check(); err != nil {
		return nil, err
	}
	if o.Columns < 0 || !(o.Cell >= 0 && o.Cell <= 2000) {
		return nil, fmt.Errorf("plot: a grid of %d columns with cells of %v points; columns must not be negative and cells in 0..2000, where 0 chooses", o.Columns, o.Cell)
	}
	cols := o.Columns
	if cols == 0 {
		cols = min(6, int(math.Ceil(math.Sqrt(float64(len(cells))))))
	}
	cols = min(cols, len(cells))
	side := cmp.Or(o.Cell, 130)
	titleFont, lineFont := fontSpec{10, true}, fontSpec{9, false}
	const gap, pad, lead = 14, 14, 12.5
	rows := (len(cells) + cols - 1) / cols
	// Captions of a row are as high as its tallest.
	titles := make([][]string, len(cells))
	caption := make([]float64, rows)
	for i, c := range cells {
		titles[i] = wrap(c.Title, titleFont, side, 2)
		caption[i/cols] = max(caption[i/cols], lead*float64(len(titles[i])+len(c.Lines))+8)
	}
	c := &canvas{}
	y := float64(pad)
	w := 2*pad + float64(cols)*side + float64(cols-1)*gap
	if o.Title != "" {
		head := fontSpec{13, true}
		c.text(shorten(clean(o.Title), head, w-2*pad), pad, 21, head, ink, 0)
		y = 34
	}
	for i, cell := range cells {
		if i > 0 && i%cols == 0 {
			y += side + caption[i/cols-1] + gap
		}
		x := pad + float64(i%cols)*(side+gap)
		c.picture(cell, x, y, side)
		ty := y + side + 4
		for _, t := range titles[i] {
			ty += lead
			c.turned(t, clean(cell.Title), x, ty-3, titleFont, cell.Mark.color(), 0, 0)
		}
		for _, l := range cell.Lines {
			ty += lead
			l = clean(l)
			f := lineFont
			if w := f.width(l); w > side { // smaller print before fewer letters
				f.size = max(6.5, f.size*side/w)
			}
			c.turned(shorten(l, f, side+0.1), l, x, ty-3, f, slate, 0, 0)
		}
	}
	h := y + side + caption[rows-1] + pad - 4
	return c.figure(o.Title, w, h, o.Size), nil
}

// picture fits an image into a square, keeping its proportions.
func (c *canvas) picture(cell Cell, x, y, side float64) {
	if cell.Image == nil || cell.Image.Bounds().Empty() {
		c.rect(x, y, side, side, rule, "")
		c.text("no picture", x+side/2, y+side/2, noteFont, faint, 0.5)
		return
	}
	b := cell.Image.Bounds()
	k := side / float64(max(b.Dx(), b.Dy()))
	w, h := float64(b.Dx())*k, float64(b.Dy())*k
	if w < side || h < side {
		c.rect(x, y, side, side, color.RGBA{0xf4, 0xf5, 0xf7, 255}, "")
	}
	c.image(cell.Image, x+(side-w)/2, y+(side-h)/2, w, h, max(b.Dx(), b.Dy()) > 64, "")
}

// TopLoss is the cell of an example for a grid of top losses: prediction and
// actual class by name, the loss, and the probabilities of both, as fastai's
// plot_top_losses. The title is green when the prediction is right.
func TopLoss(img image.Image, predicted, actual string, loss, probPredicted, probActual float64) Cell {
	mark := Wrong
	if predicted == actual {
		mark = Right
	}
	return Cell{Image: img, Title: predicted, Mark: mark, Lines: []string{
		"actual: " + actual,
		fmt.Sprintf("loss %.2f", loss),
		"prob. " + probability(probPredicted) + " · actual " + probability(probActual),
	}}
}

// probability writes a number in 0..1; what is rounded away is not called 0 or 1.
func probability(p float64) string {
	switch {
	case p > 0 && p < 0.001:
		return "<0.001"
	case p < 1 && p > 0.999:
		return ">0.999"
	}
	return fmt.Sprintf("%.3f", p)
}
