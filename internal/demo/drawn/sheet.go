package drawn

import (
	"fmt"
	"image"
	"image/draw"
)

// Sheet lays out pictures of every class of a task: one row per class in the
// order of Classes, indices 0 to columns-1 from left to right, each size×size
// pixels with a white gap of size/32 between. It returns an error when columns
// is not in 1..100 or the size is not one that Draw accepts.
func (t Task) Sheet(seed uint64, columns, size int) (*image.RGBA, error) {
	if columns < 1 || columns > 100 {
		return nil, fmt.Errorf("drawn: a sheet of %d columns; it must be in 1..100", columns)
	}
	n := len(t.Classes())
	first, err := t.Draw(seed, 0, 0, size) // checks task and size before allocating
	if err != nil {
		return nil, err
	}
	gap := size / 32
	step := first.Rect.Dx() + gap
	out := image.NewRGBA(image.Rect(0, 0, columns*step-gap, n*step-gap))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	for class := range n {
		for i := range columns {
			img, err := t.Draw(seed, class, i, size)
			if err != nil {
				return nil, err
			}
			at := image.Pt(i*step, class*step)
			draw.Draw(out, img.Rect.Add(at), img, image.Point{}, draw.Src)
		}
	}
	return out, nil
}
