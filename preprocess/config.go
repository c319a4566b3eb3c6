package preprocess

import "fmt"

// MaxSide bounds, in pixels, the sides of what pictures are resized to, against
// typing errors that would take all memory.
const MaxSide = 1 << 14

// Config says how a picture becomes a network's input outside training. It
// is part of a model's file, which has it as JSON, and what training, prediction,
// interpretation and export take their transforms from (vision.Transforms).
//
// There are two ways. fastai's, where CropPct is 0: the picture is resized to a
// square of Presize by Method, and this is averaged and sampled to Size. And that
// of published weights (torchvision's, timm's), where CropPct is given: the
// picture is scaled until its short side has floor(Size/CropPct) pixels, and the
// middle Size×Size are cut out.
type Config struct {
	Presize int          `json:"presize"` // square to which the picture is resized first, in pixels up to 16384; 0 leaves that out; where CropPct is given, in training only
	Method  ResizeMethod `json:"method"`  // how that square comes about; "" in a file is crop
	// PadMode is what fills the square's rest, for the method Pad.
	PadMode PadMode `json:"pad_mode,omitempty"`
	Size    int     `json:"size"` // side of the network's input, in pixels from 1 to 16384
	Stats           // by which the input is normalized
	// Interpolation is the filter of the first resizing, of training too.
	Interpolation Interpolation `json:"interpolation,omitempty"`
	// CropPct is the share, in (0,1], of the scaled picture's short side that is
	// looked at, from the middle: timm's crop_pct. 0 leaves this to Presize and
	// Method. Method Squish scales both sides to floor(Size/CropPct), timm's crop
	// mode squash; Pad is refused.
	CropPct float64 `json:"crop_pct,omitempty"`
	RawEXIF bool    `json:"ignore_exif"` // leave the EXIF orientation unapplied
}

// Check reports the first value that cannot be carried out.
func (p Config) Check() error {
	bad := func(field string, v any, want string) error {
		return fmt.Errorf("preprocess: Config.%s is %v; want %s", field, v, want)
	}
	switch {
	case p.Presize < 0 || p.Presize > MaxSide:
		return bad("Presize", p.Presize, fmt.Sprintf("0 (none) to %d pixels", MaxSide))
	case p.Size < 1 || p.Size > MaxSide:
		return bad("Size", p.Size, fmt.Sprintf("1 to %d pixels", MaxSide))
	case p.Method != Crop && p.Method != Pad && p.Method != Squish:
		return bad("Method", p.Method, "Crop, Pad or Squish")
	case p.PadMode < 0 || int(p.PadMode) >= len(padModes):
		return bad("PadMode", p.PadMode, oneOf(padModes))
	case p.Interpolation < 0 || int(p.Interpolation) >= len(interpolations):
		return bad("Interpolation", p.Interpolation, oneOf(interpolations))
	case !(p.CropPct >= 0 && p.CropPct <= 1):
		return bad("CropPct", p.CropPct, "a share above 0 and up to 1, or 0 for none")
	case p.CropPct > 0 && p.Short() > MaxSide:
		return bad("CropPct", p.CropPct, fmt.Sprintf("a larger share: pictures would be scaled to %.0f pixels, the limit is %d", float64(p.Size)/p.CropPct, MaxSide))
	case p.CropPct > 0 && p.Method == Pad:
		return bad("Method", p.Method, "Crop or Squish where CropPct is given")
	}
	return p.Stats.Check()
}

// Short is the short side in pixels of the scaled picture of which CropPct is
// looked at, floor(Size/CropPct); 0 without a CropPct. It is at most 32768, which
// Check refuses.
func (p Config) Short() int {
	if !(p.CropPct > 0) {
		return 0
	}
	return int(min(float64(p.Size)/p.CropPct, 2*MaxSide))
}
