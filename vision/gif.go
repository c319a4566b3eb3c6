package vision

import (
	"bytes"
	"image"
	"image/gif"

	"github.com/whippet-ml/whippet/data"
)

// decodeGIF returns the first frame on the logical screen. Where the frame
// does not cover the screen, Pillow shows the frame's transparent index, or
// index 0 when it has none; so do we.
func decodeGIF(b []byte, info Header) (*data.Image, error) {
	fill := 0
	if at := gifTransparency(b); at > 0 {
		// image/gif forgets the color of the transparent index, but dropping
		// alpha must show it: decode as if nothing were transparent.
		fill = int(b[at+3])
		b = bytes.Clone(b)
		b[at] &^= 1
	}
	m, err := gif.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	frame := toRGB(m)
	r := m.Bounds()
	if r.Min == (image.Point{}) && frame.Width == info.Width && frame.Height == info.Height {
		return frame, nil
	}
	defer frame.Free()
	out := data.NewImage(info.Width, info.Height)
	var c [3]uint8
	if pm, ok := m.(*image.Paletted); ok && fill < len(pm.Palette) {
		c = plainRGB(pm.Palette[fill])
	}
	for i := 0; i < len(out.Pix); i += 3 {
		copy(out.Pix[i:], c[:])
	}
	for y := 0; y < frame.Height && y+r.Min.Y < out.Height; y++ {
		w := min(frame.Width, out.Width-r.Min.X)
		if w <= 0 {
			break
		}
		copy(out.Pix[3*((y+r.Min.Y)*out.Width+r.Min.X):][:3*w], frame.Pix[3*y*frame.Width:])
	}
	return out, nil
}

// gifTransparency finds the graphic control extension before the first frame
// and returns the offset of its flags, three bytes before the transparent
// index, when the frame has one; else 0.
func gifTransparency(b []byte) int {
	if len(b) < 13 {
		return 0
	}
	i := 13
	if b[10]&0x80 != 0 {
		i += 3 << (b[10]&7 + 1)
	}
	at := 0
	for i+2 < len(b) && b[i] == 0x21 { // an extension
		if b[i+1] == 0xf9 && b[i+2] == 4 && i+7 < len(b) {
			at = 0
			if b[i+3]&1 != 0 {
				at = i + 3
			}
		}
		i += 2
		for i < len(b) && b[i] != 0 { // its sub-blocks
			i += int(b[i]) + 1
		}
		i++
	}
	return at
}
