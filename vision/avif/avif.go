// Package avif makes package vision, and so training, prediction and the service, read AVIF pictures in a
// program that imports it:
//
//	import _ "github.com/whippet-ml/whippet/vision/avif"
//
// The decoder is libavif with libaom, compiled to WebAssembly, and runs in pure Go; it makes a program some
// 3 MB larger. One picture at a time is decoded, of at most MaxPixels.
package avif

import (
	"errors"

	"github.com/whippet-ml/whippet/internal/heif"
	"github.com/whippet-ml/whippet/internal/unsupported"
	"github.com/whippet-ml/whippet/vision"
)

// MaxPixels is the largest picture that is decoded, width×height: 25 megapixels.
const MaxPixels = 25_000_000

func init() {
	vision.RegisterCodec(vision.AVIF, vision.Codec{Header: header, Decode: decode, MaxPixels: MaxPixels})
}

// header reads the container and looks at the coded data; see vision.Codec.
func header(b []byte) (width, height, orientation int, err error) {
	p, err := heif.Read(b)
	if p != nil {
		width, height = p.Width, p.Height
	}
	if err != nil {
		return width, height, 1, err
	}
	if p.Codec != heif.AV1 {
		return width, height, 1, unsupported.Errorf("pictures that are coded as %q", p.Codec)
	}
	if over := p.Columns*p.TileWidth*p.Rows*p.TileHeight - width*height; over > 1<<20 && over > width*height/4 {
		return width, height, 1, unsupported.Errorf("a grid of %d×%d tiles of %d×%d pixels for a picture of %d×%d", p.Columns, p.Rows, p.TileWidth, p.TileHeight, width, height)
	}
	all := 0 // tiles may share bytes of the file, and the decoder gets them one after the other
	for _, t := range p.Tiles {
		if all += len(t.Data); all > len(b) {
			return width, height, 1, errors.New("the tiles of the grid overlap in the file")
		}
		if err := check(t.Data, p.TileWidth, p.TileHeight); err != nil {
			return width, height, 1, err
		}
	}
	return width, height, upright(p), nil
}

// upright is the EXIF orientation that the container's turns and mirrors come to. As in
// Pillow, a clean aperture does not cut the picture, and an orientation in EXIF does not count.
func upright(p *heif.Picture) int {
	turned := heif.Picture{Width: p.Width, Height: p.Height}
	for _, t := range p.Transforms {
		if t.Width == 0 {
			turned.Transforms = append(turned.Transforms, t)
		}
	}
	at := turned.Place()
	return map[[4]int]int{
		{1, 0, 0, 1}: 1, {-1, 0, 0, 1}: 2, {-1, 0, 0, -1}: 3, {1, 0, 0, -1}: 4,
		{0, 1, 1, 0}: 5, {0, -1, 1, 0}: 6, {0, -1, -1, 0}: 7, {0, 1, -1, 0}: 8,
	}[[4]int{at.XX, at.XY, at.YX, at.YY}]
}

// decode decodes a picture, or a grid of tiles; see vision.Codec.
func decode(b []byte, alloc func(w, h int) []uint8) error {
	p, err := heif.Read(b)
	if err != nil {
		return err
	}
	m := remixed(p.Color, p.Tiles[0])
	return run(container(p, m), func(c pixels) error {
		if c.width != p.Width || c.height != p.Height {
			return errors.New("the decoder finds another size than the container declares")
		}
		out := alloc(p.Width, p.Height)
		size, high := 1, 0
		if c.deep {
			size, high = 2, 1
		}
		for y := range p.Height {
			from, to := c.pix[4*size*y*p.Width:], out[3*y*p.Width:][:3*p.Width]
			for x := range p.Width {
				to[3*x], to[3*x+1], to[3*x+2] = from[4*size*x+high], from[(4*x+1)*size+high], from[(4*x+2)*size+high]
			}
			if m != (remix{}) {
				m.row(to)
			}
		}
		return nil
	})
}
