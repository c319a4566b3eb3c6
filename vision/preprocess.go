package vision

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
)

// Preprocess says how a picture becomes a network's input outside training. It
// is part of a model's file, which has it as JSON, and it is the one place from
// which training, prediction, interpretation and export take their transforms.
type Preprocess struct {
	Presize int          `json:"presize"` // square to which the picture is resized first, in pixels up to 16384; 0 leaves that out
	Method  ResizeMethod `json:"method"`  // how that square comes about; "" in a file is crop
	Size    int          `json:"size"`    // side of the network's input, in pixels from 1 to 16384
	Stats                // by which the input is normalized
	// Interpolation is the filter of the first resizing.
	Interpolation Interpolation `json:"interpolation,omitempty"`
	// CropShare is the share of the picture's side that is looked at, from the
	// middle, in (0,1]; 0 means 1, all of it. Published weights come with the
	// share with which their authors measured them; transforms take 1 alone.
	CropShare float64 `json:"crop_share,omitempty"`
	RawEXIF   bool    `json:"ignore_exif"` // leave the EXIF orientation unapplied
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
	case p.Interpolation != Bilinear:
		return bad("Interpolation", p.Interpolation, "bilinear, the one filter that pictures are resized with here")
	case p.CropShare != 0 && p.CropShare != 1:
		return bad("CropShare", p.CropShare, "1 (or 0, which means it): pictures are prepared whole")
	}
	return p.Stats.check()
}

// Resizer returns the first resizing; ok is false when there is none and the
// network's size is reached in one step.
func (p Preprocess) Resizer() (r Resizer, ok bool) {
	return Resizer{Width: p.Presize, Height: p.Presize, Method: p.Method}, p.Presize > 0
}

// Transforms returns the item transform (nil without a first resizing) and the
// batch transform: augment with the network's size and statistics in place of
// its own. Augmentation acts in training only; NoAugmentation leaves it out
// there too.
func (p Preprocess) Transforms(augment AugTransforms) (data.ItemTransform, AugTransforms, error) {
	augment.Size, augment.Stats = p.Size, p.Stats
	if err := p.Check(); err != nil {
		return nil, augment, err
	}
	if r, ok := p.Resizer(); ok {
		return r, augment, augment.Check()
	}
	return nil, augment, augment.Check()
}
