package tiff

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// fax decodes what fax machines and scanners write, after ITU-T T.4 (group 3) and
// T.6 (group 4), and T.4's runs alone, which TIFF calls modified Huffman: rows of
// runs, white and black in turn, or of differences from the row above.
type fax struct {
	src    []byte
	at     int // of the next bit
	width  int
	codes  *[2][1 << faxBits]faxCode
	above  []int // where the color changes in the row above, at first to black
	row    []int // the same of this row
	passed int   // changes of the row above that lie behind
}

// How the rows of a fax begin and are coded.
type faxKind int

const (
	faxRuns    faxKind = iota // on a whole byte, runs
	faxGroup3                 // with a line end, runs
	faxGroup3D                // with a line end and a bit that says runs or differences
	faxGroup4                 // differences
)

var errFax = errors.New("a code word of the fax compression that there is not")

// unfax fills dst with rows of width pixels, a bit each, 1 for black.
func unfax(dst, src []byte, width int, kind faxKind) error {
	f := &fax{src: src, width: width, codes: faxTables()}
	stride := (width + 7) / 8
	for ; len(dst) >= stride; dst = dst[stride:] {
		if f.at > 8*len(src) {
			return errCut
		}
		differences := kind == faxGroup4
		switch kind {
		case faxRuns:
			f.at = (f.at + 7) &^ 7
		case faxGroup3, faxGroup3D:
			ended := f.lineEnd()
			if kind == faxGroup3D {
				if !ended {
					return f.wrong(errors.New("a row without the line end that says how it is coded"))
				}
				differences = f.take(1) == 0
			}
		}
		f.row, f.passed = f.row[:0], 0
		var err error
		if differences {
			err = f.different()
		} else {
			err = f.runs()
		}
		if err != nil {
			return f.wrong(err)
		}
		f.paint(dst[:stride])
		f.above, f.row = f.row, f.above
	}
	return nil
}

// wrong is err, or that the data end, where they have.
func (f *fax) wrong(err error) error {
	if f.at+faxBits > 8*len(f.src) {
		return errCut
	}
	return fmt.Errorf("byte %d of the block: %w", f.at/8, err)
}

// peek returns the next n bits, up to 24; beyond the end they are 0.
func (f *fax) peek(n int) int {
	v := 0
	for i := range 4 {
		v <<= 8
		if k := f.at/8 + i; k < len(f.src) {
			v |= int(f.src[k])
		}
	}
	return v >> (32 - n - f.at%8) & (1<<n - 1)
}

func (f *fax) take(n int) int {
	v := f.peek(n)
	f.at += n
	return v
}

// lineEnd passes over a line end, at least eleven zeros and a one, if it is next.
// More zeros fill up to a whole byte, or give slow printers time.
func (f *fax) lineEnd() bool {
	if f.peek(11) != 0 {
		return false
	}
	for f.at < 8*len(f.src) && f.peek(1) == 0 {
		f.at++
	}
	f.at++
	return true
}

// change notes that the color changes at x. Two changes in one place are none.
func (f *fax) change(x int) {
	if n := len(f.row); n > 0 && f.row[n-1] == x {
		f.row = f.row[:n-1]
		return
	}
	f.row = append(f.row, x)
}

// run reads the length of a run of a color, 0 for white.
func (f *fax) run(color int) (int, error) {
	for n := 0; n <= f.width; {
		c := f.codes[color][f.peek(faxBits)]
		if c.bits == 0 {
			return 0, errFax
		}
		f.at += int(c.bits)
		if n += int(c.run); c.run < 64 {
			return n, nil
		}
	}
	return 0, errTooLong
}

var errTooLong = errors.New("a row that is longer than the picture is wide")

// runs reads a row of runs.
func (f *fax) runs() error {
	for x, color := 0, 0; x < f.width; color ^= 1 {
		n, err := f.run(color)
		if err != nil {
			return err
		}
		if x += n; x > f.width {
			return errTooLong
		}
		f.change(x)
	}
	return nil
}

// different reads a row of differences from the row above. a0, b1 and b2 are those
// of T.4: the place that was reached, the next change above to the other color, and
// the one behind it.
func (f *fax) different() error {
	a0, color := -1, 0
	for a0 < f.width {
		b1, b2 := f.next(a0, color)
		shift := 0
		switch c := f.peek(7); {
		case c>>6 == 1:
			f.at++
		case c>>4 == 3:
			f.at, shift = f.at+3, 1
		case c>>4 == 2:
			f.at, shift = f.at+3, -1
		case c>>4 == 1: // two runs
			f.at += 3
			a0 = max(a0, 0)
			for i := range 2 {
				n, err := f.run(color ^ i)
				if err != nil {
					return err
				}
				if a0 += n; a0 > f.width {
					return errTooLong
				}
				f.change(a0)
			}
			continue
		case c>>3 == 1: // what is above between b1 and b2 has no counterpart
			f.at += 4
			a0 = b2
			continue
		case c>>1 == 3:
			f.at, shift = f.at+6, 2
		case c>>1 == 2:
			f.at, shift = f.at+6, -2
		case c == 3:
			f.at, shift = f.at+7, 3
		case c == 2:
			f.at, shift = f.at+7, -3
		case c == 1:
			return unsupported.Errorf("fax compression with parts that are not compressed is not supported; convert it")
		default:
			return errFax
		}
		x := b1 + shift
		if x < max(a0, 0) || x > f.width {
			return errors.New("a change of color that lies outside of the row")
		}
		f.change(x)
		a0, color = x, color^1
	}
	return nil
}

// next returns the first change of the row above that lies behind a0 and is to the
// other color, and the one behind it; the width where there is none.
func (f *fax) next(a0, color int) (b1, b2 int) {
	i := f.passed
	for i > 0 && f.above[i-1] > a0 {
		i--
	}
	for i < len(f.above) && f.above[i] <= a0 {
		i++
	}
	f.passed = i
	if i&1 != color {
		i++
	}
	b1, b2 = f.width, f.width
	if i < len(f.above) {
		b1 = f.above[i]
	}
	if i+1 < len(f.above) {
		b2 = f.above[i+1]
	}
	return b1, b2
}

// paint sets the bits of the row's black runs.
func (f *fax) paint(dst []byte) {
	clear(dst)
	for i := 0; i < len(f.row); i += 2 {
		end := f.width
		if i+1 < len(f.row) {
			end = f.row[i+1]
		}
		for x := f.row[i]; x < end; {
			if x%8 == 0 && end-x >= 8 {
				dst[x/8] = 0xff
				x += 8
				continue
			}
			dst[x/8] |= 0x80 >> (x % 8)
			x++
		}
	}
}
