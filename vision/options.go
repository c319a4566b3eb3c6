package vision

import (
	"cmp"
	"errors"
	"fmt"
)

// DefaultMaxPixels is the largest picture that is decoded when no other limit
// is given: 2³⁰/12 pixels, the size at which Pillow warns of a decompression
// bomb (Image.MAX_IMAGE_PIXELS). Decoded, it takes 256 MiB.
const DefaultMaxPixels = 1 << 30 / 4 / 3

// DefaultMaxBytes is the largest picture file that is read when no other limit
// is given: 256 MiB.
const DefaultMaxBytes = 256 << 20

// Reasons for which a picture cannot be decoded, for errors.Is.
var (
	// ErrUnknownFormat says that the bytes are none of the known formats.
	ErrUnknownFormat = errors.New("not a picture of a known format")
	// ErrTooLarge says that the picture exceeds a limit of DecodeOptions.
	ErrTooLarge = errors.New("picture too large")
	// ErrUnsupported says that the format is known, but not this kind of it;
	// nothing suggests that the file is damaged.
	ErrUnsupported = errors.New("unsupported kind of")
)

// DecodeOptions bounds and directs decoding. The zero value means the defaults
// and is what training uses.
type DecodeOptions struct {
	// MaxPixels bounds width×height as the header declares it; a picture above
	// it is refused before any of it is decoded. 0 means DefaultMaxPixels.
	MaxPixels int
	// MaxBytes bounds the encoded size. 0 means DefaultMaxBytes.
	MaxBytes int64
	// IgnoreOrientation leaves pixels as they are stored. By default the EXIF
	// orientation is applied, so that a phone's picture stands upright; fastai
	// does not apply it.
	IgnoreOrientation bool
	// Strict refuses JPEG files whose compressed data is corrupt, but can be
	// decoded to the end. Pillow, and so fastai, accepts them with a warning,
	// and real data sets have some; part of such a picture may be gray or
	// garbled. A file that ends early is an error in any case.
	Strict bool
}

// WithDefaults puts the defaults in place of bounds that are not positive.
func (o DecodeOptions) WithDefaults() DecodeOptions {
	o.MaxPixels = cmp.Or(max(o.MaxPixels, 0), DefaultMaxPixels)
	o.MaxBytes = cmp.Or(max(o.MaxBytes, 0), DefaultMaxBytes)
	return o
}

// checkSize refuses pictures without pixels and pictures above the limit. It
// divides rather than multiplies, so that no size overflows.
func (o DecodeOptions) checkSize(w, h int) error {
	if w <= 0 || h <= 0 {
		return fmt.Errorf("the header declares %d×%d pixels; a picture needs at least one", w, h)
	}
	if limit := o.WithDefaults().MaxPixels; w > limit/h {
		return fmt.Errorf("%w: the header declares %d×%d pixels, the limit is %d (DecodeOptions.MaxPixels)", ErrTooLarge, w, h, limit)
	}
	return nil
}
