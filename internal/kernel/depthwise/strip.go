package depthwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// A strip and what is made of it stay in the second level cache, more or less.
// Long runs of channels, which are read like a stream, are worth more than many
// rows, although a strip begins with rows of the one before: those are near.
const (
	stripFloats = 64 << 10
	manyRows    = 2  // of a strip, on top of those that one output needs
	maxBlocks   = 16 // of channels
	fewPieces   = 8  // into which work is cut at least, if it can be
)

// cut returns how many of c channels strips have, for n maps of so many columns and
// outputs that need over rows of them, and their rows.
func cut(n, c, cols, over, rows int) (channels, stripRows int) {
	b := block()
	all := ground.CeilDiv(c, b)
	fit := stripFloats / (min(rows, manyRows+over) * cols * b)
	fit = max(1, min(all, maxBlocks, fit))
	// A few maps in few strips are cut through their channels, for all threads to have
	// some: single pictures.
	strips := n * max(1, rows*cols*fit*b/stripFloats)
	fit = min(fit, max(1, all*strips/fewPieces))
	blocks := ground.CeilDiv(all, ground.CeilDiv(all, fit)) // chunks of about the same size
	return min(c, blocks*b), min(rows, max(over, stripFloats/(cols*blocks*b)))
}

// strip is rows of a map in blocks of channels, [blocks, rows, cols, block], zeros or
// the map's reflection where they reach beyond the map.
type strip struct {
	data       []float32
	rows, cols int
}

// blockLen is the number of floats of a block.
func (s *strip) blockLen() int { return s.rows * s.cols * block() }

// newStrip returns a strip of channels channels in scratch memory.
func newStrip(rows, cols, channels int) strip {
	s := strip{rows: rows, cols: cols}
	s.data = ground.GetScratch(s.blockLen() * ground.CeilDiv(channels, block()))
	return s
}

// source is one picture's map [h, w, stride], from the first of the channels that
// are copied on.
type source struct {
	x            []float32
	h, w, stride int
	reflect      bool
}

// inside returns which columns of the strip, from column left of a map of w columns on, are in the map: [x0,x1).
func (s *strip) inside(w, left int) (x0, x1 int) {
	x0 = min(max(0, -left), s.cols)
	return x0, max(x0, min(s.cols, w-left))
}

// clearAround clears row r of the blocks of channels, but for columns [x0,x1) if it is inside of the map.
func (s *strip) clearAround(r, channels int, inside bool, x0, x1 int) {
	if !inside {
		x0, x1 = s.cols, s.cols
	}
	b := block()
	for k := range ground.CeilDiv(channels, b) {
		row := s.data[k*s.blockLen()+r*s.cols*b:][:s.cols*b]
		clear(row[:x0*b])
		clear(row[x1*b:])
	}
}

// fill copies the map from row top and column left on, which may be negative.
func (s *strip) fill(from source, top, left, channels int) {
	x0, x1 := s.inside(from.w, left)
	for r := range s.rows {
		y := top + r
		if from.reflect {
			y = reflected(y, from.h)
		}
		inside := y >= 0 && y < from.h
		s.clearAround(r, channels, inside, x0, x1)
		if !inside {
			continue
		}
		if x0 < x1 {
			s.pack(from, r, x0, y, left+x0, x1-x0, channels)
		}
		if from.reflect {
			for j := range s.cols {
				if x := reflected(left+j, from.w); x != left+j && x >= 0 && x < from.w { // further away, it is in no window
					s.pack(from, r, j, y, x, 1, channels)
				}
			}
		}
	}
}

// pack copies pixels of the map from row y and column x on to row r and column col on.
func (s *strip) pack(from source, r, col, y, x, pixels, channels int) {
	a := packArgs{
		dense: &from.x[(y*from.w+x)*from.stride], blocks: &s.data[(r*s.cols+col)*block()],
		pixels: pixels, c: channels, stride: from.stride, blockStep: s.blockLen(),
	}
	table.Active().Pack(isa.Arg(&a))
}

// copyTo copies rows of the strip to those of a map, which are as wide as the
// strip and begin with dst.
func (s *strip) copyTo(dst []float32, rows, channels, stride int, nonTemporal bool) {
	a := packArgs{dense: &dst[0], blocks: &s.data[0], pixels: rows * s.cols, c: channels, stride: stride, blockStep: s.blockLen()}
	t := table.Active()
	if nonTemporal {
		t.UnpackNonTemporal(isa.Arg(&a))
		return
	}
	t.Unpack(isa.Arg(&a))
}
