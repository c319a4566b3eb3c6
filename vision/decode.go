package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/bitmap"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/heic"
	"github.com/whippet-ml/whippet/internal/heif"
	"github.com/whippet-ml/whippet/internal/jpeg"
	"github.com/whippet-ml/whippet/internal/tiff"
)

// Header is what a picture's header says.
type Header struct {
	Format Format
	// Width and Height are the stored size, before the orientation is applied;
	// of HEIC the size after the container's own turns, which are always done.
	Width, Height int
	// Orientation is the EXIF value, 1 to 8; 1 (upright) when there is none. Of AVIF it is
	// what the container's turns and mirrors come to.
	Orientation int
}

// Inspect reads the header of an encoded picture and checks it against the
// limits of o. It decodes no pixels; a picture that passes may still be
// damaged further on.
func Inspect(b []byte, o DecodeOptions) (Header, error) {
	format, err := sniff(b)
	if err != nil {
		return Header{}, err
	}
	info := Header{Format: format, Orientation: orientation(format, b)}
	var c image.Config
	r := bytes.NewReader(b)
	switch format {
	case JPEG:
		var head jpeg.Header
		head, err = jpeg.ReadHeader(b)
		c.Width, c.Height = head.Width, head.Height
	case PNG:
		c, err = png.DecodeConfig(r)
	case GIF:
		c, err = gif.DecodeConfig(r)
	case WebP:
		c, err = webp.DecodeConfig(r)
	case TIFF:
		c.Width, c.Height, err = tiff.Size(b)
	case ICO:
		return inspectIcon(b, o)
	case HEIC:
		return inspectHEIC(b, o)
	case AVIF:
		return inspectWith(codecs[AVIF], AVIF, b, o)
	case BMP, PNM, TGA:
		var p *bitmap.Picture
		if p, err = readBitmap(format, b); err == nil {
			c.Width, c.Height = p.Width, p.Height
		}
	}
	if err != nil {
		return info, damaged(format, err)
	}
	info.Width, info.Height = c.Width, c.Height
	if err := o.checkSize(c.Width, c.Height); err != nil {
		return info, fmt.Errorf("%s: %w", format, err)
	}
	return info, nil
}

// Decode reads one picture of any known format (see Format) and returns it as
// 8-bit RGB, converted as Pillow's convert("RGB") does: gray is repeated,
// palettes are looked up, alpha is dropped and not composited, CMYK is mixed;
// of 16-bit samples the high byte is kept. Of an animation the first frame is
// returned, of a TIFF the first picture, of an icon the
// largest, of HEIC the primary. The EXIF orientation is applied unless o says
// otherwise; HEIC turns pictures itself, and its EXIF does not count. AVIF is
// read in programs that import package vision/avif.
//
// The encoded size and the pixel count are checked before anything large is
// allocated. A damaged picture is an error; no input makes Decode panic.
func Decode(r io.Reader, o DecodeOptions) (*data.Image, error) {
	limit := o.WithDefaults().MaxBytes
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes, the limit (DecodeOptions.MaxBytes)", ErrTooLarge, limit)
	}
	return DecodeBytes(b, o)
}

// DecodeFile is Decode for a file; errors name it.
func DecodeFile(path string, o DecodeOptions) (*data.Image, error) {
	b, err := readBounded(path, o.WithDefaults().MaxBytes)
	if err != nil {
		return nil, err
	}
	defer giveBack(b)
	img, err := DecodeBytes(*b, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// CheckFile reads a file's header and checks it as Inspect does; errors name
// the file. It is cheap enough to run over a whole data set before training.
func CheckFile(path string, o DecodeOptions) (Header, error) {
	f, _, err := files.Open(path)
	if err != nil {
		return Header{}, err
	}
	defer f.Close()
	// Headers fit into the first part of all but a few files (a long EXIF or
	// color profile may precede the size); those are read whole.
	buf := fileBuffers.Get()
	defer fileBuffers.Put(buf)
	*buf = grow(*buf, 64<<10)
	head := *buf
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return Header{}, fmt.Errorf("%s: %w", path, err)
	}
	whole := n < len(head)
	info, err := Inspect(head[:n], o)
	if err != nil && !whole && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrUnknownFormat) {
		b, rerr := readBounded(path, o.WithDefaults().MaxBytes)
		if rerr != nil {
			return Header{}, rerr
		}
		defer giveBack(b)
		info, err = Inspect(*b, o)
	}
	if err != nil {
		return info, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

// DecodeBytes is Decode for bytes in memory. It does not keep b.
func DecodeBytes(b []byte, o DecodeOptions) (img *data.Image, err error) {
	if int64(len(b)) > o.WithDefaults().MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d (DecodeOptions.MaxBytes)", ErrTooLarge, len(b), o.WithDefaults().MaxBytes)
	}
	info, err := Inspect(b, o)
	if err != nil {
		return nil, err
	}
	// Some decoders are not ours. A panic in one of them would take the whole
	// training run or service down for one bad file.
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, damaged(info.Format, fmt.Errorf("the decoder failed: %v", p))
		}
	}()
	img, err = decodePixels(b, info, o)
	if err != nil {
		return nil, damaged(info.Format, err)
	}
	if !o.IgnoreOrientation {
		img = orient(img, info.Orientation)
	}
	return img, nil
}

func decodePixels(b []byte, info Header, o DecodeOptions) (*data.Image, error) {
	r := bytes.NewReader(b)
	var m image.Image
	var err error
	switch info.Format {
	case JPEG:
		return decodeInto(func(alloc func(w, h int) []uint8) error { return jpeg.Decode(b, o.Strict, alloc) })
	case PNG:
		m, err = png.Decode(r)
	case GIF:
		return decodeGIF(b, info)
	case WebP:
		if webpAnimated(b) {
			return decodeAnimatedWebP(b, info)
		}
		return decodeWebP(b)
	case TIFF:
		return decodeInto(func(alloc func(w, h int) []uint8) error { return tiff.Decode(b, alloc) })
	case ICO:
		return decodeIcon(b, info, o)
	case HEIC:
		p, err := heif.Read(b)
		if err != nil {
			return nil, err
		}
		return decodeInto(func(alloc func(w, h int) []uint8) error { return heic.Decode(p, alloc) })
	case AVIF:
		return decodeInto(func(alloc func(w, h int) []uint8) error { return codecs[AVIF].Decode(b, alloc) })
	case BMP, PNM, TGA:
		p, err := readBitmap(info.Format, b)
		if err != nil {
			return nil, err
		}
		return decodeInto(p.Decode)
	}
	if err != nil {
		return nil, err
	}
	return toRGB(m), nil
}

// decodeInto calls a decoder that fills pixels allocated here.
func decodeInto(decode func(alloc func(w, h int) []uint8) error) (img *data.Image, err error) {
	err = decode(func(w, h int) []uint8 {
		img = data.NewImage(w, h)
		return img.Pix
	})
	return img, err
}

// damaged words a decoder's error so that it says what to conclude: restore a
// file that is damaged, convert one that is whole but of an unsupported kind.
func damaged(f Format, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("damaged %s: the file ends too early (%w); restore or remove it", f, io.ErrUnexpectedEOF)
	}
	if unsupportedKind(err) {
		return fmt.Errorf("%w %s: %v", ErrUnsupported, f, err)
	}
	return fmt.Errorf("damaged %s: %w", f, err)
}

// unsupportedKind reports whether a decoder says that it does not support the
// kind of file, in its own way.
func unsupportedKind(err error) bool {
	var p png.UnsupportedError
	if errors.As(err, &p) {
		return p != "dimension overflow" // sizes that no PNG can have
	}
	return errors.Is(err, errors.ErrUnsupported)
}
