package norm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// This file holds the mask that a ReLU leaves for its backward pass: one bit for
// each value, whether it passed. It takes a 32nd of the memory of the values
// that it stands for, and of the time to read them.
//
// Row r of the mask of [rows, c] begins at word r*maskRowWords(c); its channel ch
// is bit ch%16 of word ch/16. The bits after the last channel have no meaning.

// maskRowWords is how many words the mask of a row of c values takes: one for 16
// channels.
func maskRowWords(c int) int { return (c + 15) / 16 }

// MaskWords returns how many words the mask of [rows, c] takes.
func MaskWords(rows, c int) int { return rows * maskRowWords(c) }

// Mask says where a ReLU passed. The zero Mask says everywhere, as there was
// none.
type Mask struct {
	Words []uint16 // the mask that it left

	// Scale and Shift [C] say: where x*Scale+Shift is above 0, x being the input
	// of the ScaleShift that ended in the ReLU and added no residual. Then neither
	// its result nor a mask need be read, nor kept.
	Scale, Shift []float32

	Y []float32 // the result: where it is above 0
}

// rows is the mask of rows [lo,hi) of c channels.
func (m Mask) rows(lo, hi, c int) Mask {
	return Mask{maskOfRows(m.Words, lo, hi, c), m.Scale, m.Shift, rowsOf(m.Y, lo, hi, c)}
}

// sign is positive where row r, channel ch of a piece of c channels, of input
// x, passed.
func (m *Mask) sign(r, ch, c int, x float32) float32 {
	switch {
	case m.Y != nil:
		return m.Y[r*c+ch]
	case m.Words != nil:
		return float32(m.Words[r*maskRowWords(c)+ch/16] >> (ch % 16) & 1)
	case m.Scale != nil:
		return float32(x*m.Scale[ch]) + m.Shift[ch] // as scaleShiftGo has it
	}
	return 1
}

// check panics unless the slices have the lengths of [rows, c].
func (m *Mask) check(op string, rows, c int) {
	needMask(op, m.Words, rows, c)
	ground.NeedOptional(op, "y", m.Y, rows*c)
	if m.Scale != nil || m.Shift != nil {
		ground.Need(op, "Mask.Scale", len(m.Scale), c)
		ground.Need(op, "Mask.Shift", len(m.Shift), c)
	}
}

// maskOfRows returns rows [lo,hi) of the mask of [rows, c], nil when s is.
func maskOfRows(s []uint16, lo, hi, c int) []uint16 {
	if s == nil {
		return nil
	}
	return s[lo*maskRowWords(c) : hi*maskRowWords(c)]
}

// maskGo writes the mask of y [rows, c].
func maskGo(y []float32, mask []uint16, rows, c int) {
	clear(mask)
	for r := range rows {
		s := mask[r*maskRowWords(c):]
		for ch, v := range y[r*c : (r+1)*c] {
			if v > 0 {
				s[ch/16] |= 1 << (ch % 16)
			}
		}
	}
}

// MaskBackward goes back through the ReLU that left mask: dx = dy where it
// passed and 0 elsewhere. dy and dx are [rows, c]; dx may be dy.
func MaskBackward(dy []float32, mask []uint16, rows, c int, dx []float32) {
	ground.Need("norm.MaskBackward", "dy", len(dy), rows*c)
	ground.Need("norm.MaskBackward", "dx", len(dx), rows*c)
	ground.Need("norm.MaskBackward", "mask", len(mask), MaskWords(rows, c))
	type args struct {
		dy, dx []float32
		mask   []uint16
		c      int
	}
	rowwise.For(rows, c, args{dy, dx, mask, c}, func(a *args, lo, hi int) {
		maskGrad(a.dy[lo*a.c:hi*a.c], maskOfRows(a.mask, lo, hi, a.c), a.dx[lo*a.c:hi*a.c], hi-lo, a.c)
	})
}

// maskGradGo is MaskBackward for one piece.
func maskGradGo(dy []float32, mask []uint16, dx []float32, rows, c int) {
	for r := range rows {
		s := mask[r*maskRowWords(c):]
		for ch := range c {
			dx[r*c+ch] = rowwise.IfPositive(float32(s[ch/16]>>(ch%16)&1), dy[r*c+ch])
		}
	}
}

// needMask panics when there is a mask and not of the shape.
func needMask(op string, mask []uint16, rows, c int) {
	if mask != nil {
		ground.Need(op, "mask", len(mask), MaskWords(rows, c))
	}
}
