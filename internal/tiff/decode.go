package tiff

import "fmt"

// Decode decodes the first picture of b. It calls alloc once, with the size, for
// the 3·w·h bytes that it fills with RGB; whoever allocates bounds the size,
// preferably by Size beforehand. Beside them it takes the memory of one block's
// samples, which may be the whole picture, and for planes that of one plane's.
func Decode(b []byte, alloc func(w, h int) []uint8) error {
	p, err := read(b)
	if err != nil {
		return err
	}
	if err := p.enough(); err != nil {
		return err
	}
	pix := alloc(p.w, p.h)
	switch p.compression {
	case jpegBlocks:
		return p.decodeJPEG(pix)
	case oldJPEG:
		return p.decodeOldJPEG(pix)
	}
	c, err := p.converter()
	if err != nil {
		return err
	}
	n, planes := p.samples, 1
	if p.planar {
		n, planes = 1, p.samples
	}
	stride := p.stride(n)
	buf := make([]byte, stride*p.rowGroups(p.bh))
	whole := buf
	if p.planar {
		whole = make([]byte, p.stride(p.samples)*p.bh)
	}
	for i := range p.across * p.down {
		rows := 0
		for s := range planes {
			src, k, err := p.block(s*p.across*p.down + i)
			if err != nil {
				return err
			}
			rows = k
			part := buf[:stride*p.rowGroups(rows)]
			if err := p.unpack(part, src, p.bw); err != nil {
				return err
			}
			for y := 0; y < len(part); y += stride {
				p.undo(part[y:y+stride], n)
			}
			if p.planar {
				weave(whole, part, p.bits/8, s, p.samples)
			}
		}
		x0, y0 := i%p.across*p.bw, i/p.across*p.bh
		w := min(p.bw, p.w-x0)
		for y := range min(rows, p.h-y0) {
			c.row(pix[3*((y0+y)*p.w+x0):][:3*w], whole, y)
		}
	}
	return nil
}

// stride is the length of a row of a block in bytes, of n samples a pixel; with
// shared chroma, of as many rows as share it.
func (p *picture) stride(n int) int {
	if p.photometric == ycbcr && !p.planar {
		return (p.bw + p.subH - 1) / p.subH * (p.subH*p.subV + 2)
	}
	return (p.bw*n*p.bits + 7) / 8
}

// rowGroups is how many strides rows take.
func (p *picture) rowGroups(rows int) int { return (rows + p.subV - 1) / p.subV }

// enough refuses a file that is too short for its declared size before memory is
// spent on it. Uncompressed pixels take what they take; of the compressions, the
// tightest (Zstandard's runs) makes 128 KiB of about four bytes.
func (p *picture) enough() error {
	rows := int64(p.stride(p.samples)) * int64(p.rowGroups(p.h))
	least := rows >> 15
	if p.compression == uncompressed && !p.tiled {
		least = rows
	}
	if int64(len(p.file)) < least {
		return fmt.Errorf("%d bytes are too few for %d×%d pixels: %w", len(p.file), p.w, p.h, errCut)
	}
	return nil
}

// weave puts the samples of one plane, of size bytes each, beside those of the
// others.
func weave(whole, plane []byte, size, s, samples int) {
	d := whole[s*size:]
	for ; len(plane) >= size && len(d) >= size; plane = plane[size:] {
		copy(d[:size], plane[:size])
		if len(d) < size*samples {
			return
		}
		d = d[size*samples:]
	}
}
