package data

import (
	"math/bits"
	"sync"
)

// Image is a decoded picture: 8-bit RGB, rows from the top, three bytes a
// pixel, len(Pix) == 3*Width*Height.
type Image struct {
	Width, Height int
	Pix           []uint8

	pooled bool // Pix came from NewImage and goes back with Free
}

// Pixel buffers are reused by size class: a loader opens thousands of pictures
// of a few sizes, and a fresh buffer of a megabyte each costs more in page
// faults and collection than decoding a small picture does. Class c holds
// buffers of capacity 2^c to 2^(c+1)-1.
var pixels [48]sync.Pool

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
	class := bits.Len(uint(n)) - 1
	for _, c := range [2]int{class, class + 1} {
		if p, _ := pixels[c].Get().(*[]uint8); p != nil && cap(*p) >= n {
			return &Image{Width: width, Height: height, Pix: (*p)[:n], pooled: true}
		}
	}
	// Rounded up, so that pictures of nearly one size share buffers.
	const step = 1 << 12
	return &Image{Width: width, Height: height, Pix: make([]uint8, n, (n+step-1)/step*step), pooled: true}
}

// Free gives the pixels back for reuse by NewImage; img must not be used
// afterwards. It does nothing to pictures that did not come from NewImage.
func (img *Image) Free() {
	if img == nil || !img.pooled {
		return
	}
	p := img.Pix
	img.Pix, img.pooled = nil, false
	pixels[bits.Len(uint(cap(p)))-1].Put(&p)
}
