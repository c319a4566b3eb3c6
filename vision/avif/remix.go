package avif

import "github.com/whippet-ml/whippet/internal/heif"

// remix is a change of the matrix by which the colors of samples of 8 bits are mixed. For the usual ones
// the decoder repeats chroma of half the resolution, with libyuv; for those that libyuv does not have it
// interpolates, as Pillow's does. So it is told one of these, similar to the picture's, and
// the colors are mixed anew afterwards.
type remix struct{ told, meant int }

// weights are Kr and Kb of the codes of matrices (ITU-T H.273, table 4).
var weights = map[int][2]float32{1: {0.2126, 0.0722}, 4: {0.30, 0.11}, 5: {0.299, 0.114}, 6: {0.299, 0.114}, 7: {0.212, 0.087}, 9: {0.2627, 0.0593}}

// remixed returns the change for a tile; a zero one when there is none.
func remixed(c *heif.Color, t heif.Tile) remix {
	if c == nil || len(t.Config) < 4 {
		return remix{}
	}
	const deep, gray, half = 0x40, 0x10, 0x08 // AV1 in ISO base media files, 2.3.3
	if kind := t.Config[2]; kind&(deep|gray) != 0 || kind&half == 0 {
		return remix{}
	}
	switch c.Matrix {
	case 1, 9:
		return remix{7, c.Matrix}
	case 2: // unspecified, which is taken for BT.601
		return remix{4, 6}
	case 5, 6:
		return remix{4, c.Matrix}
	}
	return remix{}
}

// row mixes a row of R, G, B anew.
func (m remix) row(rgb []uint8) {
	from, to := weights[m.told], weights[m.meant]
	kr, kb := from[0], from[1]
	nr, nb := to[0], to[1]
	ng := 1 - nr - nb
	for i := 0; i+2 < len(rgb); i += 3 {
		r, g, b := float32(rgb[i]), float32(rgb[i+1]), float32(rgb[i+2])
		y := float32(kr*r) + float32((1-kr-kb)*g) + float32(kb*b)
		cr, cb := (r-y)*(1-nr)/(1-kr), (b-y)*(1-nb)/(1-kb)
		rgb[i] = round(y + cr)
		rgb[i+1] = round(y - float32(nr/ng*cr) - float32(nb/ng*cb))
		rgb[i+2] = round(y + cb)
	}
}

func round(v float32) uint8 { return uint8(max(0, min(v, 255)) + 0.5) }
