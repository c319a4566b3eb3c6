package vision

import (
	"image"
	"image/color"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/jpeg"
)

// toRGB converts a decoded picture to 8-bit RGB as Pillow's convert("RGB")
// does. The types that the decoders return have loops of their own; others go
// through the color model, which is right but slow.
func toRGB(m image.Image) *data.Image {
	r := m.Bounds()
	w, h := r.Dx(), r.Dy()
	out := data.NewImage(w, h)
	for y := range h {
		dst := out.Pix[3*y*w : 3*(y+1)*w]
		sy := y + r.Min.Y
		switch m := m.(type) {
		case *image.Gray:
			for x, v := range m.Pix[m.PixOffset(r.Min.X, sy):][:w] {
				dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
			}
		case *image.Gray16:
			src := m.Pix[m.PixOffset(r.Min.X, sy):][:2*w]
			for x := range w {
				v := src[2*x] // big-endian: the high byte
				dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
			}
		case *image.NRGBA:
			dropFourth(dst, m.Pix[m.PixOffset(r.Min.X, sy):][:4*w])
		case *image.RGBA:
			// Decoders use RGBA for pictures without alpha only, so there is
			// nothing to divide by.
			dropFourth(dst, m.Pix[m.PixOffset(r.Min.X, sy):][:4*w])
		case *image.NRGBA64:
			highBytes(dst, m.Pix[m.PixOffset(r.Min.X, sy):][:8*w])
		case *image.RGBA64:
			highBytes(dst, m.Pix[m.PixOffset(r.Min.X, sy):][:8*w])
		case *image.CMYK:
			cmykRow(dst, m.Pix[m.PixOffset(r.Min.X, sy):][:4*w])
		case *image.Paletted:
			palettedRow(dst, m.Pix[m.PixOffset(r.Min.X, sy):][:w], m.Palette)
		default:
			for x := range w {
				c := color.NRGBAModel.Convert(m.At(r.Min.X+x, sy)).(color.NRGBA)
				dst[3*x], dst[3*x+1], dst[3*x+2] = c.R, c.G, c.B
			}
		}
	}
	return out
}

// dropFourth copies [n,4] bytes to [n,3], leaving out the last of each four.
func dropFourth(dst, src []uint8) {
	for len(src) >= 4 && len(dst) >= 3 {
		dst[0], dst[1], dst[2] = src[0], src[1], src[2]
		dst, src = dst[3:], src[4:]
	}
}

// highBytes copies [n,4] big-endian 16-bit samples to [n,3] bytes.
func highBytes(dst, src []uint8) {
	for len(src) >= 8 && len(dst) >= 3 {
		dst[0], dst[1], dst[2] = src[0], src[2], src[4]
		dst, src = dst[3:], src[8:]
	}
}

// cmykRow mixes [n,4] inks to RGB.
func cmykRow(dst, src []uint8) {
	for len(src) >= 4 && len(dst) >= 3 {
		jpeg.MixInk(dst, src[0], src[1], src[2], src[3])
		dst, src = dst[3:], src[4:]
	}
}

// palettedRow looks indices up. An index beyond the palette is black, as in
// Pillow.
func palettedRow(dst, src []uint8, p color.Palette) {
	var table [256][3]uint8
	for i, c := range p[:min(len(p), 256)] {
		table[i] = plainRGB(c)
	}
	for x, i := range src {
		copy(dst[3*x:3*x+3], table[i][:])
	}
}

// plainRGB gives the stored color of a palette entry, whatever its alpha.
func plainRGB(c color.Color) [3]uint8 {
	switch c := c.(type) {
	case color.RGBA:
		return [3]uint8{c.R, c.G, c.B}
	case color.NRGBA:
		return [3]uint8{c.R, c.G, c.B}
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return [3]uint8{n.R, n.G, n.B}
}
