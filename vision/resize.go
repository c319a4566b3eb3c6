package vision

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// Resizer is the item transform that gives all pictures one size, with
// fastai's rule and Pillow's antialiased filters (see Resize).
type Resizer struct {
	Width, Height int // of the result, in pixels, 1 to 16384
	Method        preprocess.ResizeMethod
	PadMode       preprocess.PadMode // for Pad
	Interpolation preprocess.Interpolation
}

// Resize returns the transform to size×size pixels by cropping, fastai's
// Resize(size): the largest square is cut at a random place in training, in
// the middle in validation, and scaled. For other shapes and methods use
// Resizer:
//
//	vision.Resizer{Width: 320, Height: 240, Method: preprocess.Squish}
func Resize(size int) Resizer { return Resizer{Width: size, Height: size} }

// String describes the transform.
func (t Resizer) String() string {
	s := fmt.Sprintf("Resize(%d×%d, %s", t.Width, t.Height, t.Method)
	if t.Method == preprocess.Pad {
		s += ", " + t.PadMode.String()
	}
	if t.Interpolation != preprocess.Bilinear {
		s += ", " + t.Interpolation.String()
	}
	return s + ")"
}

// Apply returns img at the transform's size. It draws two numbers from r in
// training, for Crop and Pad: where in x and where in y.
func (t Resizer) Apply(img *data.Image, train bool, r *rng.Stream) (*data.Image, error) {
	px, py := 0.5, 0.5
	if train && t.Method != preprocess.Squish {
		px, py = r.Float64(), r.Float64()
	}
	return t.ApplyAt(img, px, py)
}

// ApplyAt is Apply with the place given: px and py in [0,1] are the position
// of the cut, or of the picture in its padding, from left to right and from
// top to bottom; 0.5 is the middle.
func (t Resizer) ApplyAt(img *data.Image, px, py float64) (*data.Image, error) {
	if t.Width < 1 || t.Height < 1 || t.Width > preprocess.MaxSide || t.Height > preprocess.MaxSide {
		return nil, fmt.Errorf("Resize to %d×%d: each side must be 1 to %d pixels", t.Width, t.Height, preprocess.MaxSide)
	}
	if err := checkPicture(t, img, t.Interpolation); err != nil {
		return nil, err
	}
	if !(px >= 0 && px <= 1 && py >= 0 && py <= 1) {
		return nil, fmt.Errorf("%s: position (%g,%g) is not within [0,1]", t, px, py)
	}
	src, whole := windowOf(img), Rect{Width: t.Width, Height: t.Height}
	switch t.Method {
	case preprocess.Squish:
	case preprocess.Crop, preprocess.Pad:
		cw, ch := t.cut(img.Width, img.Height)
		// int() truncates toward zero, in Python as in Go: for Pad the
		// differences are negative.
		x, y := int(px*float64(img.Width-cw)), int(py*float64(img.Height-ch))
		if t.Method == preprocess.Pad && x >= 0 && y >= 0 {
			// Less than two pixels are missing: fastai then pads nothing.
			cw, ch = min(cw, img.Width), min(ch, img.Height)
		} else if t.Method == preprocess.Pad {
			if cw > DefaultMaxPixels/ch { // a thin picture becomes a huge square
				return nil, fmt.Errorf("%s: %w: %d×%d pixels would be padded to %d×%d, the limit is %d pixels", t, ErrTooLarge, img.Width, img.Height, cw, ch, DefaultMaxPixels)
			}
			return resample(pad(img, x, y, cw, ch, t.PadMode), t.Width, t.Height, whole, t.Interpolation), nil
		}
		src = window{w: cw, h: ch, stride: 3 * img.Width, pix: img.Pix[3*(y*img.Width+x):]}
	default:
		return nil, fmt.Errorf("%s: unknown method; want Crop, Pad or Squish", t)
	}
	return resample(src, t.Width, t.Height, whole, t.Interpolation), nil
}

// checkPicture refuses a picture whose pixels are not what its size says, and a
// filter that does not exist.
func checkPicture(t data.ItemTransform, img *data.Image, by preprocess.Interpolation) error {
	if img.Width < 1 || img.Height < 1 || len(img.Pix) != 3*img.Width*img.Height {
		return fmt.Errorf("%s: the picture has %d bytes of pixels for %d×%d", t, len(img.Pix), img.Width, img.Height)
	}
	if by < 0 || int(by) >= len(filters) {
		return fmt.Errorf("%s: unknown interpolation; want Bilinear or Bicubic", t)
	}
	return nil
}

// cut is the size, in the picture's own pixels, of what is scaled to the
// result (fastai's Resize.encodes). The float64 arithmetic is part of the
// rule: (233/460)*460 is a little less than 233, so the cut has 232 pixels.
func (t Resizer) cut(w, h int) (cw, ch int) {
	mx, my := float64(w)/float64(t.Width), float64(h)/float64(t.Height)
	m := my
	if t.Method == preprocess.Crop && mx < my || t.Method == preprocess.Pad && mx > my {
		m = mx
	}
	cw, ch = max(int(m*float64(t.Width)), 1), max(int(m*float64(t.Height)), 1)
	if t.Method == preprocess.Crop {
		return min(cw, w), min(ch, h)
	}
	return cw, ch
}
