// Package heif reads the container of HEIC and AVIF files (ISO/IEC 14496-12 and
// 23008-12): which coded pictures the primary picture is made of, how they lie in a grid, how
// it is cut, turned and mirrored, and which colors it has. It decodes no pixels.
//
// Files are not trusted: every count is bounded, and what a header declares is
// checked before anything of that size is allocated.
package heif

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// Codec is how pictures are coded: the kind of item.
type Codec string

// The codecs of HEIC and AVIF.
const (
	HEVC Codec = "hvc1"
	AV1  Codec = "av01"
)

// Picture is the primary picture of a file.
type Picture struct {
	Codec         Codec
	Width, Height int // as decoded and laid out, before Transforms
	// Tiles are the coded pictures, row by row; Columns×Rows of them. They are all of the same size and may
	// reach over the right and lower edge.
	Tiles         []Tile
	Columns, Rows int
	TileWidth     int
	TileHeight    int
	Transforms    []Transform // in the order in which they are done
	Color         *Color      // nil when the container does not tell
}

// Tile is a coded picture.
type Tile struct {
	Config []byte // content of the hvcC or av1C box
	Data   []byte
}

// Color are the codes of ITU-T H.273.
type Color struct {
	Primaries, Matrix int
	FullRange         bool
}

// Transform is one of three: a clean aperture when Width is not 0, else a
// mirror when Mirror is set, else quarter turns counter-clockwise.
type Transform struct {
	Left, Top, Width, Height int
	Mirror                   bool
	Vertical                 bool // mirror top and bottom rather than left and right
	Turns                    int  // 0 to 3
}

// maxTiles bounds a grid: rows and columns are bytes and each up to 256.
const maxTiles = 4096

// Read finds the primary picture of a file. With an error it returns what it has
// found: the size, when the container tells it; nil otherwise.
func Read(b []byte) (*Picture, error) {
	c, err := parse(b)
	if err != nil {
		return nil, err
	}
	it := c.items[c.primary]
	p := &Picture{}
	if p.Width, p.Height, err = extents(it); err != nil {
		return nil, err
	}
	p.color(it)
	switch it.kind {
	case "grid":
		err = p.grid(c, it)
	case string(HEVC), "hev1", string(AV1):
		p.Columns, p.Rows, p.TileWidth, p.TileHeight = 1, 1, p.Width, p.Height
		err = p.tile(c, it)
	default:
		err = unsupported.Errorf("pictures of the kind %q", it.kind)
	}
	if err != nil {
		return p, err
	}
	return p, p.transforms(it)
}

// extents reads the image spatial extents: ispe.
func extents(it *item) (w, h int, err error) {
	b := it.property("ispe")
	if len(b) < 12 {
		return 0, 0, errors.New("the container does not tell the picture's size")
	}
	r := reader{b: b[4:]}
	w, h = int(r.uint(4)), int(r.uint(4))
	if w < 1 || h < 1 || w > 1<<16 || h > 1<<16 {
		return 0, 0, fmt.Errorf("the container declares %d×%d pixels", w, h)
	}
	return w, h, nil
}

// tile adds the coded picture of an item.
func (p *Picture) tile(c *container, it *item) error {
	codec, box := HEVC, "hvcC"
	switch it.kind {
	case string(AV1):
		codec, box = AV1, "av1C"
	case string(HEVC), "hev1":
	default:
		return unsupported.Errorf("a grid of pictures of the kind %q", it.kind)
	}
	if p.Codec != "" && p.Codec != codec {
		return errors.New("a grid of pictures with different codecs")
	}
	p.Codec = codec
	config := it.property(box)
	if config == nil {
		return errors.New("the container has no configuration for the decoder")
	}
	data, err := c.data(it)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return errors.New("the container has no data of the picture")
	}
	p.Tiles = append(p.Tiles, Tile{config, data})
	return nil
}

// grid reads a picture that is laid out of others (ISO/IEC 23008-12, 6.6.2.3).
func (p *Picture) grid(c *container, it *item) error {
	b, err := c.data(it)
	if err != nil {
		return err
	}
	r := reader{b: b}
	r.uint(1)
	wide := 2
	if r.uint(1)&1 == 1 {
		wide = 4
	}
	p.Rows, p.Columns = int(r.uint(1))+1, int(r.uint(1))+1
	w, h := int(r.uint(wide)), int(r.uint(wide))
	if r.short {
		return errShort
	}
	n := p.Rows * p.Columns
	if n > maxTiles {
		return fmt.Errorf("a grid of %d×%d pictures; %d are allowed", p.Columns, p.Rows, maxTiles)
	}
	if n != len(it.derived) {
		return fmt.Errorf("a grid of %d×%d pictures that names %d", p.Columns, p.Rows, len(it.derived))
	}
	if w != p.Width || h != p.Height {
		return fmt.Errorf("a grid of %d×%d pixels that is declared as %d×%d", w, h, p.Width, p.Height)
	}
	seen := map[uint32]bool{}
	for i, id := range it.derived {
		part := c.items[id]
		if part == nil || seen[id] {
			return errors.New("a picture of the grid is missing")
		}
		seen[id] = true
		tw, th, err := extents(part)
		if err != nil {
			return err
		}
		if i == 0 {
			p.TileWidth, p.TileHeight = tw, th
		}
		if tw != p.TileWidth || th != p.TileHeight {
			return errors.New("a grid of pictures of different sizes")
		}
		if err := p.tile(c, part); err != nil {
			return err
		}
		if p.Color == nil {
			p.color(part)
		}
	}
	if p.Columns*p.TileWidth > (4*w*h+1<<20)/(p.Rows*p.TileHeight) {
		return fmt.Errorf("a grid of %d×%d pictures of %d×%d pixels for a picture of %d×%d", p.Columns, p.Rows, p.TileWidth, p.TileHeight, w, h)
	}
	if right, below := p.Columns*p.TileWidth-w, p.Rows*p.TileHeight-h; right < 0 || right >= p.TileWidth || below < 0 || below >= p.TileHeight {
		return fmt.Errorf("a grid of %d×%d pictures of %d×%d pixels that is declared as %d×%d", p.Columns, p.Rows, p.TileWidth, p.TileHeight, w, h)
	}
	return nil
}

// color reads the first colr property that has codes.
func (p *Picture) color(it *item) {
	for _, q := range it.properties {
		if q.kind == "colr" && len(q.content) >= 11 && string(q.content[:4]) == "nclx" {
			r := reader{b: q.content[4:]}
			p.Color = &Color{}
			p.Color.Primaries = int(r.uint(2))
			r.uint(2)
			p.Color.Matrix = int(r.uint(2))
			p.Color.FullRange = r.uint(1)>>7 == 1
			return
		}
	}
}

// transforms reads the properties that turn, mirror and cut.
func (p *Picture) transforms(it *item) error {
	w, h := p.Width, p.Height
	for _, q := range it.properties {
		if len(q.content) == 0 {
			continue
		}
		switch q.kind {
		case "irot":
			t := Transform{Turns: int(q.content[0] & 3)}
			if t.Turns&1 == 1 {
				w, h = h, w
			}
			p.Transforms = append(p.Transforms, t)
		case "imir":
			p.Transforms = append(p.Transforms, Transform{Mirror: true, Vertical: q.content[0]&1 == 0})
		case "clap":
			t, err := aperture(q.content, w, h)
			if err != nil {
				return err
			}
			w, h = t.Width, t.Height
			p.Transforms = append(p.Transforms, t)
		}
		if len(p.Transforms) > 16 {
			return errors.New("more than 16 transforms of a picture")
		}
	}
	return nil
}

// aperture reads a clean aperture (ISO/IEC 14496-12, 12.1.4): size and the distance of
// its center from the picture's, as fractions.
func aperture(b []byte, w, h int) (Transform, error) {
	bad := errors.New("the clean aperture of the picture is damaged")
	r := reader{b: b}
	var v [8]int64
	for i := range v {
		v[i] = int64(int32(r.uint(4)))
	}
	if r.short || v[1] < 1 || v[3] < 1 || v[5] < 1 || v[7] < 1 {
		return Transform{}, bad
	}
	t := Transform{Width: int(v[0] / v[1]), Height: int(v[2] / v[3])}
	// Rounded down, as the sides; a center between samples lies with the lower one.
	t.Left = int(floor(2*v[4]+int64(w-t.Width)*v[5], 2*v[5]))
	t.Top = int(floor(2*v[6]+int64(h-t.Height)*v[7], 2*v[7]))
	if t.Width < 1 || t.Height < 1 || t.Left < 0 || t.Top < 0 || t.Left+t.Width > w || t.Top+t.Height > h {
		return Transform{}, bad
	}
	return t, nil
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
