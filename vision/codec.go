package vision

import "fmt"

// Codec reads a format that this package knows by name and does not read itself, because
// its decoder would make every program larger.
type Codec struct {
	// Header reads the stored size, in pixels, and the orientation (EXIF's values, 1 to 8).
	// With an error it may return the size that it has found; 0×0 says that there is none.
	Header func(b []byte) (width, height, orientation int, err error)
	// Decode fills the memory that alloc gives for the stored size with 8-bit RGB, row by
	// row from the top. It need not check what Header checks, and is not called after Header failed.
	Decode func(b []byte, alloc func(w, h int) []uint8) error
	// MaxPixels bounds width×height besides DecodeOptions.MaxPixels.
	MaxPixels int
}

// AVIF is read by programs that import package vision/avif.
const AVIF Format = "AVIF"

// codecs are those of RegisterCodec.
var codecs = map[Format]Codec{}

// RegisterCodec makes Decode and all that is built on it read AVIF, the only format that is left to
// others. It is called while a program starts, by the init function of a package that is imported for this
// (vision/avif), and panics when the format is another, or is registered twice.
func RegisterCodec(f Format, c Codec) {
	if f != AVIF {
		panic(fmt.Sprintf("vision: a codec for %q; only %s is left to codecs", f, AVIF))
	}
	if _, twice := codecs[f]; twice {
		panic(fmt.Sprintf("vision: two codecs for %s", f))
	}
	codecs[f] = c
	ImageExtensions = append(ImageExtensions, ".avif")
	delete(unreadExtensions, ".avif")
}

// inspectWith is Inspect for a format that a codec reads.
func inspectWith(c Codec, f Format, b []byte, o DecodeOptions) (Header, error) {
	info := Header{Format: f, Orientation: 1}
	w, h, turn, err := c.Header(b)
	if err == nil || w != 0 || h != 0 {
		if err := o.checkSize(w, h); err != nil {
			return info, fmt.Errorf("%s: %w", f, err)
		}
		if w > c.MaxPixels/h {
			return info, fmt.Errorf("%s: %w: the header declares %d×%d pixels, the limit of this format is %d; scale it down, or convert it to PNG or JPEG", f, ErrTooLarge, w, h, c.MaxPixels)
		}
	}
	if err != nil {
		return info, damaged(f, err)
	}
	info.Width, info.Height, info.Orientation = w, h, turn
	return info, nil
}
