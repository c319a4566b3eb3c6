package tiff

import "fmt"

// A picture's pixels come in blocks, tiles or strips, each compressed for itself.
// All may be the same bytes of the file, and tiles may be mostly outside the
// picture, so a file of a hundred kilobytes could keep a decoder busy for minutes.
const (
	maxBlocks = 1 << 16
	// maxExcess is how many times as many pixels as the picture its blocks may
	// have, beside one block of 1024×1024.
	maxExcess = 4
)

// blocks is how a picture is divided.
type blocks struct {
	bw, bh       int // size of a block in pixels
	across, down int // how many there are
	tiled        bool
}

// layout finds the blocks and refuses those out of proportion to the picture.
func (p *picture) layout() error {
	w, h := int64(p.w), int64(p.h)
	what := "strips"
	bw, bh := w, h
	across, down := int64(1), int64(1)
	if tw := int64(p.small(tagTileWidth, 0)); tw > 0 {
		what, p.tiled = "tiles", true
		bw = min(tw, 1<<30) // so that no product overflows
		bh = min(int64(max(p.small(tagTileLength, 1), 1)), 1<<30)
		across, down = (w+bw-1)/bw, (h+bh-1)/bh
	} else if rows := int64(p.small(tagRowsPerStrip, 0)); rows > 0 && rows < h {
		bh, down = rows, (h+rows-1)/rows
	}
	n, area := across*down, bw*bh
	planes := int64(1)
	if p.planar {
		planes = int64(p.samples)
	}
	if n*planes > maxBlocks {
		return fmt.Errorf("%d×%d pixels in %d %s; the limit is %d", w, h, n*planes, what, maxBlocks)
	}
	if room := maxExcess*w*h + 1<<20; area > room/n {
		return fmt.Errorf("%d×%d pixels in %d %s of %d pixels each: far more than the picture has", w, h, n, what, area)
	}
	p.bw, p.bh, p.across, p.down = int(bw), int(bh), int(across), int(down)
	return nil
}

// block returns the compressed bytes of block i, and how many of its rows are
// stored: the last strip may be short, tiles are whole.
func (p *picture) block(i int) (data []byte, rows int, err error) {
	places, lengths := tagStripOffsets, tagStripByteCounts
	if p.tiled {
		places, lengths = tagTileOffsets, tagTileByteCounts
	}
	if i >= p.entries[places].count {
		return nil, 0, fmt.Errorf("the TIFF directory has %d blocks of pixels, of more than %d", p.entries[places].count, i)
	}
	at := p.at(places, i, 0)
	end := uint64(len(p.file))
	if at > end {
		return nil, 0, fmt.Errorf("block %d of the pixels: %w", i, errCut)
	}
	// Some old writers leave the length out.
	if n := p.at(lengths, i, end-at); n <= end-at {
		end = at + n
	} else if p.compression == uncompressed {
		return nil, 0, fmt.Errorf("block %d of the pixels: %w", i, errCut)
	}
	rows = p.bh
	if !p.tiled {
		rows = min(p.bh, p.h-i%p.down*p.bh)
	}
	return p.file[at:end], rows, nil
}
