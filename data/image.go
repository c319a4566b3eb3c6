package data

import "github.com/whippet-ml/whippet/internal/mem"

// Image is a decoded picture: 8-bit RGB, rows from the top, three bytes a
// pixel, len(Pix) == 3*Width*Height.
type Image struct {
	Width, Height int
	Pix           []uint8

	pooled bool // Pix came from NewImage and goes back with Free
}

// pixels are reused: a loader opens thousands of pictures of a few sizes, and a
// fresh buffer of a megabyte each costs more in page faults and collection than
// decoding a small picture does.
var pixels mem.Slices[uint8]

// NewImage returns a picture of the given size with undefined pixels, from a
// buffer that was freed before when there is one. It panics when a side is
// negative or the size overflows: a decoder bounds sizes before it allocates.
func NewImage(width, height int) *Image {
	if width < 0 || height < 0 || (height > 0 && width > (1<<46)/3/height) {
		panic("data: impossible image size")
	}
	n := 3 * width * height
	if n == 0 {
		return &Image{Width: width, Height: height}
	}
	return &Image{Width: width, Height: height, Pix: pixels.Get(n), pooled: true}
}

// Free gives the pixels back for reuse by NewImage; img must not be used
// afterwards. It does nothing to pictures that did not come from NewImage.
func (img *Image) Free() {
	if img == nil || !img.pooled {
		return
	}
	p := img.Pix
	img.Pix, img.pooled = nil, false
	pixels.Put(p)
}
