package vision

import (
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// Draws is everything random about the augmentation of one batch. The
// transforms are a function of the pictures and of these numbers alone.
type Draws struct {
	Pictures []PictureDraws
	// Crop is cut out of every picture of the batch after its warp, when
	// MinScale is below 1: fastai draws one crop per batch.
	Crop Rect
}

// Rect is a rectangle of pixels.
type Rect struct{ Top, Left, Height, Width int }

// PictureDraws are the random numbers for one picture. NeutralDraws leaves a
// picture as it is.
type PictureDraws struct {
	// Dihedral is one of the eight symmetries of the square, numbered as
	// fastai's dihedral_mat does: 0 identity, 1 mirror left-right, 2 mirror
	// top-bottom, 3 transpose, 4 half turn, 5, 6 quarter turns, 7 transverse.
	Dihedral     int
	Degrees      float64 // of rotation
	Zoom         float64 // 1 is none; above 1 magnifies
	ZoomX, ZoomY float64 // what stays in view, 0 left or top, 1 right or bottom
	WarpX, WarpY float64 // perspective, in half widths and heights
	Brightness   float64 // in (0,1); 0.5 is none
	Contrast     float64 // factor; 1 is none
}

// NeutralDraws changes nothing.
var NeutralDraws = PictureDraws{Zoom: 1, ZoomX: 0.5, ZoomY: 0.5, Brightness: 0.5, Contrast: 1}

// Draw draws the random numbers for a batch of n pictures of h×w pixels. When
// train is false nothing is drawn: pictures are neutral and the crop is the
// largest centered square.
//
// The distributions are fastai's (vision/augment.py: mask_tensor, rotate_mat,
// zoom_mat, Warp, Brightness, Contrast, RandomResizedCropGPU); each change
// happens with its probability, independently of the others.
func (t AugTransforms) Draw(n, h, w int, train bool, r *rng.Stream) Draws {
	t = t.withDefaults()
	d := Draws{Pictures: make([]PictureDraws, n), Crop: Rect{Height: h, Width: w}}
	for i := range d.Pictures {
		if train && (i == 0 || !t.Batch) {
			d.Pictures[i] = t.drawPicture(r)
		} else if train {
			d.Pictures[i] = d.Pictures[0]
		} else {
			d.Pictures[i] = NeutralDraws
		}
	}
	if t.MinScale < 1 {
		d.Crop = t.drawCrop(h, w, train, r)
	}
	return d
}

func (t AugTransforms) drawPicture(r *rng.Stream) PictureDraws {
	p := NeutralDraws
	if !t.NoFlip && r.Bool(0.5) {
		p.Dihedral = 1
		if t.FlipVert {
			p.Dihedral = r.IntN(8)
		}
	}
	warp, rotate, light := float64(on(t.MaxWarp)*t.Mult), float64(on(t.MaxRotate)*t.Mult), float64(on(t.MaxLighting)*t.Mult)
	if rotate > 0 && r.Bool(t.PAffine) {
		p.Degrees = r.Uniform(-rotate, rotate)
	}
	if t.MinZoom < 1 || t.MaxZoom > 1 {
		if r.Bool(t.PAffine) {
			p.Zoom = r.Uniform(t.MinZoom, t.MaxZoom)
		}
		p.ZoomX, p.ZoomY = r.Float64(), r.Float64()
	}
	if warp > 0 {
		if r.Bool(t.PAffine) {
			p.WarpX = r.Uniform(-warp, warp)
		}
		if r.Bool(t.PAffine) {
			p.WarpY = r.Uniform(-warp, warp)
		}
	}
	if light > 0 {
		if r.Bool(t.PLighting) {
			p.Brightness = r.Uniform(float64(0.5*(1-light)), float64(0.5*(1+light)))
		}
		if r.Bool(t.PLighting) {
			l := math.Log(1 - light)
			p.Contrast = math.Exp(r.Uniform(l, -l))
		}
	}
	return p
}

// on is the strength of a transform whose negative values switch it off.
func on(v float64) float64 { return max(v, 0) }

// drawCrop is RandomResizedCropGPU with ratio (1,1), as aug_transforms makes
// it: a square of a uniform share of the area, at a uniform place.
func (t AugTransforms) drawCrop(h, w int, train bool, r *rng.Stream) Rect {
	if train {
		for range 10 {
			area := r.Uniform(t.MinScale, 1) * float64(w) * float64(h)
			side := max(int(math.RoundToEven(math.Sqrt(area))), 1)
			if side <= w && side <= h {
				return Rect{Top: r.IntN(h - side + 1), Left: r.IntN(w - side + 1), Height: side, Width: side}
			}
		}
	}
	side := min(h, w)
	return Rect{Top: (h - side) / 2, Left: (w - side) / 2, Height: side, Width: side}
}
