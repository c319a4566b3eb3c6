package vision

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// AugTransforms is the batch transform of fastai's aug_transforms followed by
// Normalize: flip, rotation, zoom and perspective warp, a random-resized crop,
// brightness and contrast in training; in validation only the change of size
// and the normalization. The zero value has fastai's defaults and keeps the
// size.
//
// The order and the arithmetic are fastai's (vision/augment.py): the moves are
// composed into one map of coordinates and sampled once, at the size the
// pictures come in; then the crop, one for the whole batch, is resized; then
// brightness and contrast change logits; then Stats normalize. With MinScale 1
// the sampling goes to Size directly.
type AugTransforms struct {
	// Size is the side of the result in pixels; 0 keeps the pictures' size.
	Size int
	// MinScale is the smallest share of the area that the crop keeps, in
	// (0,1]; 0 means 1, no crop.
	MinScale float64

	NoFlip   bool // leave out the mirroring that half of the pictures get
	FlipVert bool // draw from all eight symmetries of the square instead

	// Strengths. 0 means the default, a negative value none.
	MaxRotate   float64 // degrees either way; default 10
	MinZoom     float64 // default 1
	MaxZoom     float64 // default 1.1
	MaxLighting float64 // below 1; default 0.2
	MaxWarp     float64 // default 0.2
	// Mult multiplies MaxRotate, MaxLighting and MaxWarp; 0 means 1.
	Mult float64

	// Probabilities. 0 means the default, a negative value never.
	PAffine   float64 // of rotation, of zoom, and of warp along each axis; default 0.75
	PLighting float64 // of brightness and of contrast; default 0.75

	PadMode preprocess.PadMode // what the moves bring in from outside; default Reflection
	Batch   bool               // draw once for the whole batch
	Stats   preprocess.Stats   // zero means ImageNetStats
}

// NoAugmentation returns the transform that treats training pictures as
// validation's: it changes the size and normalizes. Set Size and Stats as for
// any other.
func NoAugmentation() AugTransforms {
	return AugTransforms{
		MinScale: 1, NoFlip: true,
		MaxRotate: -1, MaxZoom: -1, MaxLighting: -1, MaxWarp: -1, PAffine: -1, PLighting: -1,
	}
}

// MeanCrop returns the share of a picture's side, in (0,1], that the random crop keeps on average: its area is drawn
// evenly from [m,1], where m is MinScale, so it is ⅔(1-m^1.5)/(1-m), 0.935 for 0.75; 1 without a crop.
func (t AugTransforms) MeanCrop() float64 {
	m := t.withDefaults().MinScale
	if m == 1 {
		return 1
	}
	return 2 * (1 - math.Pow(m, 1.5)) / (3 * (1 - m))
}

// withDefaults fills in what the zero value means.
func (t AugTransforms) withDefaults() AugTransforms {
	t.MinScale = cmp.Or(t.MinScale, 1)
	t.MaxRotate = cmp.Or(t.MaxRotate, 10)
	t.MinZoom = cmp.Or(t.MinZoom, 1)
	t.MaxZoom = cmp.Or(t.MaxZoom, 1.1)
	if t.MaxZoom < 0 {
		t.MinZoom, t.MaxZoom = 1, 1
	}
	t.MaxLighting = cmp.Or(t.MaxLighting, 0.2)
	t.MaxWarp = cmp.Or(t.MaxWarp, 0.2)
	t.Mult = cmp.Or(t.Mult, 1)
	t.PAffine = cmp.Or(t.PAffine, 0.75)
	t.PLighting = cmp.Or(t.PLighting, 0.75)
	t.Stats = t.Stats.WithDefaults()
	return t
}

// Check reports the first option that is out of range.
func (t AugTransforms) Check() error {
	t = t.withDefaults()
	bad := func(field string, v any, want string) error {
		return fmt.Errorf("AugTransforms.%s is %v; want %s", field, v, want)
	}
	switch {
	case t.Size < 0 || t.Size > preprocess.MaxSide:
		return bad("Size", t.Size, fmt.Sprintf("0 to %d pixels", preprocess.MaxSide))
	case !(t.MinScale > 0 && t.MinScale <= 1):
		return bad("MinScale", t.MinScale, "a share of the area in (0,1]")
	case t.MinScale < 1 && t.Size == 0:
		return bad("Size", t.Size, "a size to bring the random crop to, because MinScale is below 1")
	case !(t.MaxRotate <= 360):
		return bad("MaxRotate", t.MaxRotate, "degrees up to 360")
	case !(t.MinZoom > 0 && t.MinZoom <= t.MaxZoom && t.MaxZoom <= 100):
		return bad("MinZoom", t.MinZoom, fmt.Sprintf("a factor above 0 and up to MaxZoom, which is %v and may be 100 at most", t.MaxZoom))
	case !(t.Mult > 0):
		return bad("Mult", t.Mult, "a positive factor")
	case !(t.MaxLighting*t.Mult < 1):
		return bad("MaxLighting", t.MaxLighting, "below 1 (after Mult)")
	case !(t.MaxWarp*t.Mult < 1):
		return bad("MaxWarp", t.MaxWarp, "below 1 (after Mult)")
	case !(t.PAffine <= 1):
		return bad("PAffine", t.PAffine, "a probability")
	case !(t.PLighting <= 1):
		return bad("PLighting", t.PLighting, "a probability")
	}
	return t.Stats.Check()
}

// OutSize is Size×Size, or the pictures' own size.
func (t AugTransforms) OutSize(h, w int) (int, int) {
	if t.Size > 0 {
		return t.Size, t.Size
	}
	return h, w
}

// String describes the transform with the values in force.
func (t AugTransforms) String() string {
	t = t.withDefaults()
	var s []string
	if t.Size > 0 {
		s = append(s, fmt.Sprintf("%d×%d", t.Size, t.Size))
	}
	switch {
	case t.NoFlip:
	case t.FlipVert:
		s = append(s, "dihedral")
	default:
		s = append(s, "flip")
	}
	add := func(format string, v float64) {
		if v > 0 {
			s = append(s, fmt.Sprintf(format, v))
		}
	}
	add("rotate ±%g°", on(t.MaxRotate)*t.Mult)
	if t.MinZoom < 1 || t.MaxZoom > 1 {
		s = append(s, fmt.Sprintf("zoom %g–%g", t.MinZoom, t.MaxZoom))
	}
	add("warp ±%g", on(t.MaxWarp)*t.Mult)
	if t.MinScale < 1 {
		s = append(s, fmt.Sprintf("random-resized crop ≥ %g of the area", t.MinScale))
	}
	add("lighting ±%g", on(t.MaxLighting)*t.Mult)
	s = append(s, fmt.Sprintf("normalize mean %v std %v", t.Stats.Mean, t.Stats.Std))
	return "AugTransforms(" + strings.Join(s, ", ") + ")"
}

// Apply writes the augmented, normalized pictures to dst, whose shape is
// [len(imgs), OutSize..., 3]. All pictures must have one size. What it draws
// from r depends on the number of pictures and their size alone; the pictures
// are worked on in parallel.
func (t AugTransforms) Apply(dst *tensor.Tensor, imgs []*data.Image, train bool, r *rng.Stream) error {
	h, w, err := checkBatch(t, dst, imgs)
	if err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return err
	}
	return t.ApplyDraws(dst, imgs, t.Draw(len(imgs), h, w, train, r))
}

// ApplyDraws is Apply with the random numbers given.
func (t AugTransforms) ApplyDraws(dst *tensor.Tensor, imgs []*data.Image, d Draws) error {
	h, w, err := checkBatch(t, dst, imgs)
	if err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return err
	}
	if len(d.Pictures) != len(imgs) {
		return fmt.Errorf("%s: draws for %d pictures, the batch has %d", t, len(d.Pictures), len(imgs))
	}
	if c := d.Crop; c.Height < 1 || c.Width < 1 || c.Top < 0 || c.Left < 0 || c.Top > h-c.Height || c.Left > w-c.Width {
		return fmt.Errorf("%s: the crop %+v is not within the pictures' %d×%d", t, c, h, w)
	}
	p := plan{AugTransforms: t.withDefaults(), h: h, w: w, crop: d.Crop}
	p.oh, p.ow = t.OutSize(h, w)
	p.prepare(d)
	n := p.oh * p.ow * 3
	parallel.For(len(imgs), func(i int) {
		s := scratches.Get()
		defer scratches.Put(s)
		p.picture(dst.Data[i*n:(i+1)*n], imgs[i].Pix, d.Pictures[i], s)
	})
	return nil
}
