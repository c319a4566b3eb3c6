// Package heic decodes HEIC pictures, such as phones write: the primary picture
// of the container, its tiles, and the colors that libheif, and so pillow_heif, makes of
// them.
package heic

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/heif"
	"github.com/whippet-ml/whippet/internal/hevc"
)

// Decode decodes a picture into 8-bit RGB: rows from the top of the memory that alloc
// gives for the size after the picture's transforms. Alpha is left away.
func Decode(p *heif.Picture, alloc func(w, h int) []uint8) error {
	at := p.Place()
	var d *hevc.Decoder
	var out []uint8
	for i, t := range p.Tiles {
		if i == 0 || &t.Config[0] != &p.Tiles[i-1].Config[0] {
			// Coded sizes are multiples of a coding block, 64 at most.
			var err error
			if d, err = hevc.NewDecoder(t.Config, (p.TileWidth+64)*(p.TileHeight+64)); err != nil {
				return err
			}
		}
		pic, err := d.Decode(t.Data)
		if err != nil {
			return err
		}
		if w, h := pic.Planes[0].Width, pic.Planes[0].Height; w != p.TileWidth || h != p.TileHeight {
			return fmt.Errorf("the HEVC stream is of %d×%d pixels, the container declares %d×%d", w, h, p.TileWidth, p.TileHeight)
		}
		if i == 0 {
			out = alloc(at.Width, at.Height)
		}
		draw(out, at, p, i, pic)
	}
	return nil
}

// draw puts tile i into the picture.
func draw(out []uint8, at heif.Place, p *heif.Picture, i int, pic *hevc.Picture) {
	x0, y0 := i%p.Columns*p.TileWidth, i/p.Columns*p.TileHeight
	w, h := min(p.TileWidth, p.Width-x0), min(p.TileHeight, p.Height-y0)
	color := heif.Color(pic.Color)
	if p.Color != nil {
		color = *p.Color
	}
	m := newMixer(color, pic.Planes)
	row := make([]uint8, 3*w)
	step := at.YX*at.Width + at.XX // from a pixel to the next
	for y := range h {
		m.row(row, y)
		sx, sy := x0, y0+y
		x, v := at.XX*sx+at.XY*sy+at.X, at.YX*sx+at.YY*sy+at.Y
		to := v*at.Width + x
		for k := 0; k < len(row); k += 3 {
			if x >= 0 && x < at.Width && v >= 0 && v < at.Height {
				out[3*to], out[3*to+1], out[3*to+2] = row[k], row[k+1], row[k+2]
			}
			x, v, to = x+at.XX, v+at.YX, to+step
		}
	}
}
