package vision

import (
	"bytes"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/bitmap"
)

// readBitmap reads the header of a picture of a simple format.
func readBitmap(f Format, b []byte) (*bitmap.Picture, error) {
	switch f {
	case PNM:
		return bitmap.ReadPNM(b)
	case TGA:
		return bitmap.ReadTGA(b)
	}
	return bitmap.ReadBMP(b)
}

// inspectIcon is Inspect for the picture of an icon that is shown.
func inspectIcon(b []byte, o DecodeOptions) (Header, error) {
	info := Header{Format: ICO, Orientation: 1}
	frame, err := bitmap.Icon(b)
	if err != nil {
		return info, damaged(ICO, err)
	}
	if bytes.HasPrefix(frame, []byte(bitmap.PNGHead)) {
		inside, err := Inspect(frame, o)
		info.Width, info.Height = inside.Width, inside.Height
		return info, err
	}
	p, err := bitmap.ReadIcon(frame)
	if err != nil {
		return info, damaged(ICO, err)
	}
	info.Width, info.Height = p.Width, p.Height
	return info, o.checkSize(p.Width, p.Height)
}

// decodeIcon decodes the picture of an icon that is shown: a bitmap or a PNG.
func decodeIcon(b []byte, info Header, o DecodeOptions) (*data.Image, error) {
	frame, err := bitmap.Icon(b)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(frame, []byte(bitmap.PNGHead)) {
		info.Format = PNG
		return decodePixels(frame, info, o)
	}
	p, err := bitmap.ReadIcon(frame)
	if err != nil {
		return nil, err
	}
	return decodeInto(p.Decode)
}
