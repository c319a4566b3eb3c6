package preprocess

import (
	"fmt"
	"strings"
)

// ResizeMethod says how a picture of another shape is made to fit.
type ResizeMethod int

// The methods, as fastai's ResizeMethod.
const (
	// Crop cuts the largest piece of the wanted shape out of the picture: at a
	// random place in training, the middle in validation.
	Crop ResizeMethod = iota
	// Pad makes the picture's long side fit and fills the rest, see PadMode.
	Pad
	// Squish stretches each side on its own.
	Squish
)

// Interpolation is the filter with which a picture is resampled.
type Interpolation int

// The filters, as Pillow's of the same names, antialiased when shrinking.
const (
	Bilinear Interpolation = iota // triangles: fastai's, and that of torchvision's weights
	Bicubic                       // cubic convolution with a = -0.5: that of most of timm's weights
)

// PadMode says what lies outside a picture.
type PadMode int

// The modes of filling, as fastai's PadMode.
const (
	// Reflection mirrors the picture about its border pixels (the border is
	// not repeated): fastai's default.
	Reflection PadMode = iota
	// Border repeats the border pixels.
	Border
	// Zeros is black.
	Zeros
)

var (
	resizeMethods  = []string{Crop: "crop", Pad: "pad", Squish: "squish"}
	padModes       = []string{Reflection: "reflection", Border: "border", Zeros: "zeros"}
	interpolations = []string{Bilinear: "bilinear", Bicubic: "bicubic"}
)

// String returns the method's name: crop, pad or squish.
func (m ResizeMethod) String() string { return nameOf("ResizeMethod", resizeMethods, int(m)) }

// MarshalText returns the method's name, for files and flags. The error is for
// values that are no method.
func (m ResizeMethod) MarshalText() ([]byte, error) {
	return marshalName("resize method", resizeMethods, int(m))
}

// UnmarshalText reads the method's name; empty text is Crop.
func (m *ResizeMethod) UnmarshalText(text []byte) error {
	i, err := unmarshalName("resize method", resizeMethods, text)
	if err == nil {
		*m = ResizeMethod(i)
	}
	return err
}

// String returns the filter's name: bilinear or bicubic.
func (f Interpolation) String() string { return nameOf("Interpolation", interpolations, int(f)) }

// MarshalText returns the filter's name, for files. The error is for values
// that are no filter.
func (f Interpolation) MarshalText() ([]byte, error) {
	return marshalName("interpolation", interpolations, int(f))
}

// UnmarshalText reads the filter's name; empty text is Bilinear.
func (f *Interpolation) UnmarshalText(text []byte) error {
	i, err := unmarshalName("interpolation", interpolations, text)
	if err == nil {
		*f = Interpolation(i)
	}
	return err
}

// String returns the mode's name: reflection, border or zeros.
func (m PadMode) String() string { return nameOf("PadMode", padModes, int(m)) }

// MarshalText returns the mode's name, for files and flags. The error is for
// values that are no mode.
func (m PadMode) MarshalText() ([]byte, error) { return marshalName("pad mode", padModes, int(m)) }

// UnmarshalText reads the mode's name; empty text is Reflection.
func (m *PadMode) UnmarshalText(text []byte) error {
	i, err := unmarshalName("pad mode", padModes, text)
	if err == nil {
		*m = PadMode(i)
	}
	return err
}

// nameOf returns the name of value i of a type of few values.
func nameOf(kind string, names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("%s(%d)", kind, i)
	}
	return names[i]
}

func marshalName(what string, names []string, i int) ([]byte, error) {
	if i < 0 || i >= len(names) {
		return nil, fmt.Errorf("%s %d is unknown; want %s", what, i, oneOf(names))
	}
	return []byte(names[i]), nil
}

// unmarshalName is marshalName's inverse; empty text is the first value.
func unmarshalName(what string, names []string, text []byte) (int, error) {
	for i, n := range names {
		if string(text) == n || len(text) == 0 {
			return i, nil
		}
	}
	return 0, fmt.Errorf("unknown %s %.40q; want %s", what, text, oneOf(names))
}

// oneOf lists names for a message: a, b or c.
func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
