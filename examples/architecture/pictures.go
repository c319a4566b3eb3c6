package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/rng"
)

const side = 32 // of a picture, in pixels

// shapes are the classes: which points of the square (-1,1)² are inside.
var shapes = []struct {
	name   string
	inside func(x, y float64) bool
}{
	{"disc", func(x, y float64) bool { return x*x+y*y < 1 }},
	{"square", func(x, y float64) bool { return true }},
	{"cross", func(x, y float64) bool { return x*x < 0.1 || y*y < 0.1 }},
}

// drawPictures writes n pictures of each shape to dir/train and half as many to
// dir/valid, one folder for each class.
func drawPictures(dir string, n int, seed uint64) error {
	for class, s := range shapes {
		for i := range n + n/2 {
			part := "train"
			if i >= n {
				part = "valid"
			}
			folder := filepath.Join(dir, part, s.name)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
			// Each picture has a stream of its own, so that it does not depend on the others.
			r := rng.New(seed, drawing, uint64(class), uint64(i))
			if err := writePicture(filepath.Join(folder, fmt.Sprintf("%d.png", i)), s.inside, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// writePicture draws a shape of random color, size and place on a random color.
func writePicture(path string, inside func(x, y float64) bool, r *rng.Stream) error {
	shade := func(lo int) *image.Uniform {
		c := func() uint8 { return uint8(lo + r.IntN(100)) }
		return image.NewUniform(color.RGBA{c(), c(), c(), 255})
	}
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(img, img.Bounds(), shade(0), image.Point{}, draw.Src)
	half := 7 + r.IntN(5)
	cx, cy := half+r.IntN(side-2*half), half+r.IntN(side-2*half)
	mask := image.NewAlpha(image.Rect(cx-half, cy-half, cx+half, cy+half))
	for y := -half; y < half; y++ {
		for x := -half; x < half; x++ {
			if inside((float64(x)+0.5)/float64(half), (float64(y)+0.5)/float64(half)) {
				mask.SetAlpha(cx+x, cy+y, color.Alpha{255})
			}
		}
	}
	draw.DrawMask(img, mask.Bounds(), shade(150), image.Point{}, mask, mask.Bounds().Min, draw.Over)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
