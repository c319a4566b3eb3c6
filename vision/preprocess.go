package vision

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/rng"
)

// Preprocess says how a picture becomes a network's input outside training. It
// is part of a model's file, which has it as JSON, and it is the one place from
// which training, prediction, interpretation and export take their transforms.
//
// There are two ways. fastai's, where CropPct is 0: the picture is resized to a
// square of Presize by Method, and this is averaged and sampled to Size. And that
// of published weights (torchvision's, timm's), where CropPct is given: the
// picture is scaled until its short side has floor(Size/CropPct) pixels, and the
// middle Size×Size are cut out.
type Preprocess struct {
	Presize int          `json:"presize"` // square to which the picture is resized first, in pixels up to 16384; 0 leaves that out; where CropPct is given, in training only
	Method  ResizeMethod `json:"method"`  // how that square comes about; "" in a file is crop
	Size    int          `json:"size"`    // side of the network's input, in pixels from 1 to 16384
	Stats                // by which the input is normalized
	// Interpolation is the filter of the first resizing, of training too.
	Interpolation Interpolation `json:"interpolation,omitempty"`
	// CropPct is the share, in (0,1], of the scaled picture's short side that is
	// looked at, from the middle: timm's crop_pct. 0 leaves this to Presize and
	// Method. Method Squish scales both sides to floor(Size/CropPct), timm's crop
	// mode squash; Pad is refused.
	CropPct float64 `json:"crop_pct,omitempty"`
	RawEXIF bool    `json:"ignore_exif"` // leave the EXIF orientation unapplied
}

// Check reports the first value that Transforms cannot carry out.
func (p Preprocess) Check() error {
	bad := func(field string, v any, want string) error {
		return fmt.Errorf("vision: Preprocess.%s is %v; want %s", field, v, want)
	}
	switch {
	case p.Presize < 0 || p.Presize > maxSide:
		return bad("Presize", p.Presize, fmt.Sprintf("0 (none) to %d pixels", maxSide))
	case p.Size < 1 || p.Size > maxSide:
		return bad("Size", p.Size, fmt.Sprintf("1 to %d pixels", maxSide))
	case p.Method != Crop && p.Method != Pad && p.Method != Squish:
		return bad("Method", p.Method, "Crop, Pad or Squish")
	case p.Interpolation < 0 || int(p.Interpolation) >= len(filters):
		return bad("Interpolation", p.Interpolation, oneOf(interpolations))
	case !(p.CropPct >= 0 && p.CropPct <= 1):
		return bad("CropPct", p.CropPct, "a share above 0 and up to 1, or 0 for none")
	case p.CropPct > 0 && p.Short() > maxSide:
		return bad("CropPct", p.CropPct, fmt.Sprintf("a larger share: pictures would be scaled to %.0f pixels, the limit is %d", float64(p.Size)/p.CropPct, maxSide))
	case p.CropPct > 0 && p.Method == Pad:
		return bad("Method", p.Method, "Crop or Squish where CropPct is given")
	}
	return p.Stats.check()
}

// Short is the short side in pixels of the scaled picture of which CropPct is
// looked at, floor(Size/CropPct); 0 without a CropPct. It is at most 32768, which
// Check refuses.
func (p Preprocess) Short() int {
	if !(p.CropPct > 0) {
		return 0
	}
	return int(min(float64(p.Size)/p.CropPct, 2*maxSide))
}

// Resizer returns the first resizing outside training; ok is false when there is
// none and the network's size is reached in one step.
func (p Preprocess) Resizer() (r data.ItemTransform, ok bool) {
	if p.CropPct > 0 {
		return CenterCrop{Short: p.Short(), Size: p.Size, Squash: p.Method == Squish, Interpolation: p.Interpolation}, true
	}
	return p.presizer(), p.Presize > 0
}

func (p Preprocess) presizer() Resizer {
	return Resizer{Width: p.Presize, Height: p.Presize, Method: p.Method, Interpolation: p.Interpolation}
}

// Transforms returns the item transform (nil without a first resizing) and the
// batch transform: augment with the network's size and statistics in place of
// its own. Augmentation acts in training only; NoAugmentation leaves it out
// there too. Training pictures are resized to Presize at a random place, as
// fastai does; only where that is 0 and CropPct is given, they are cut as the
// others.
func (p Preprocess) Transforms(augment AugTransforms) (data.ItemTransform, AugTransforms, error) {
	augment.Size, augment.Stats = p.Size, p.Stats
	if err := p.Check(); err != nil {
		return nil, augment, err
	}
	r, ok := p.Resizer()
	switch {
	case !ok:
		return nil, augment, augment.Check()
	case p.CropPct > 0 && p.Presize > 0:
		return trainValid{train: p.presizer(), valid: r}, augment, augment.Check()
	}
	return r, augment, augment.Check()
}

// trainValid is one transform for training and another outside it.
type trainValid struct{ train, valid data.ItemTransform }

func (t trainValid) String() string { return fmt.Sprintf("%s in training, else %s", t.train, t.valid) }

func (t trainValid) Apply(img *data.Image, train bool, r *rng.Stream) (*data.Image, error) {
	if train {
		return t.train.Apply(img, train, r)
	}
	return t.valid.Apply(img, train, r)
}
