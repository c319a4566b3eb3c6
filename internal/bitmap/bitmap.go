// Package bitmap decodes the simple formats to 8-bit RGB as Pillow does: BMP, the
// icons made of it (ICO), Netpbm's (PBM, PGM, PPM, PFM) and Targa (TGA). Their
// pixels are stored as they are, or with run lengths.
package bitmap

import (
	"fmt"
	"io"
)

// Picture is a picture whose header was read and checked.
type Picture struct {
	// Width and Height are in pixels, above 0 and below 2³¹.
	Width, Height int
	// least is the fewest bytes that its pixels can take, which the file has.
	least int64
	// have is how many bytes the file has for them.
	have int
	// fill decodes into Width·Height·3 bytes.
	fill func(pix []uint8) error
}

// Decode calls alloc once, with the size, for the 3·w·h bytes that it fills with
// RGB; whoever allocates bounds the size. A file too short for its declared size
// is io.ErrUnexpectedEOF before anything is allocated.
func (p *Picture) Decode(alloc func(w, h int) []uint8) error {
	if int64(p.have) < p.least {
		return fmt.Errorf("%d bytes are too few for %d×%d pixels: %w", p.have, p.Width, p.Height, errCut)
	}
	return p.fill(alloc(p.Width, p.Height))
}

var errCut = fmt.Errorf("the picture ends too early: %w", io.ErrUnexpectedEOF)

// area is w·h, or an error for sizes that are none or whose bytes could not be
// counted.
func area(w, h int) (int64, error) {
	if w < 1 || h < 1 || int64(w) > 1<<31/int64(h) {
		return 0, fmt.Errorf("the header declares %d×%d pixels", w, h)
	}
	return int64(w) * int64(h), nil
}

// scaled is a sample of bits bits as one of 8, as Pillow scales it.
func scaled(v uint32, bits int) uint8 {
	if bits == 0 {
		return 0
	}
	return uint8(uint64(v) * 255 / (1<<bits - 1))
}
