package jpeg

import (
	"bytes"
	"fmt"
)

// look is how many bits one table look-up decides.
const look = 10

// huffman is one code table.
type huffman struct {
	set bool
	// short[b], for the next look bits b: length<<8 | symbol, or 0 when the
	// code is longer.
	short [1 << look]uint16
	// whole[b], for AC tables: value<<16 | run<<8 | bits, when the code and
	// the value's bits both fit into look bits; else 0. An end of block has
	// run 64.
	whole  [1 << look]int32
	limit  [18]int32 // limit[l]: codes of length l are below it, left-aligned to 16 bits
	offset [17]int32 // index of a code's symbol, less its value
	symbol [256]byte
	// from is what the table was built from. Nearly all files have the same
	// tables, and building one takes longer than decoding a small picture.
	from []byte
}

// huffmanTables reads code tables (T.81 B.2.4.2).
func (d *decoder) huffmanTables(s []byte) error {
	for len(s) > 0 {
		if len(s) < 17 {
			return fmt.Errorf("code table of %d bytes is too short", len(s))
		}
		class, id := s[0]>>4, s[0]&15
		if class > 1 || id > 3 {
			return fmt.Errorf("code table of class %d, number %d; want 0 or 1, 0 to 3", class, id)
		}
		t := &d.dcTab[id]
		if class == 1 {
			t = &d.acTab[id]
		}
		n, err := t.build(s[1:17], s[17:])
		if err != nil {
			return err
		}
		s = s[17+n:]
	}
	return nil
}

// build makes the table from the number of codes of each length 1..16 and the
// symbols in order, and returns how many symbols there were.
func (t *huffman) build(counts, symbols []byte) (int, error) {
	n := 0
	for _, c := range counts {
		n += int(c)
	}
	if n > 256 || n > len(symbols) {
		return 0, fmt.Errorf("code table with %d codes and %d symbols", n, len(symbols))
	}
	if len(t.from) == 16+n && bytes.Equal(t.from[:16], counts) && bytes.Equal(t.from[16:], symbols[:n]) {
		t.set = true
		return n, nil
	}
	t.from = t.from[:0]
	copy(t.symbol[:], symbols[:n])
	clear(t.short[:])
	clear(t.whole[:])
	code, k := int32(0), int32(0)
	for l := int32(1); l <= 16; l++ {
		c := int32(counts[l-1])
		if code+c > 1<<l {
			return 0, fmt.Errorf("code table has too many codes of %d bits", l)
		}
		t.offset[l] = k - code
		if l <= look {
			for i := range c {
				t.enter(code+i, l, symbols[k+i])
			}
		}
		code, k = code+c, k+c
		t.limit[l] = code << (16 - l)
		code <<= 1
	}
	t.limit[17] = 1 << 30
	t.from = append(append(t.from, counts...), symbols[:n]...)
	t.set = true
	return n, nil
}

// enter fills the look-up tables for one code of length l.
func (t *huffman) enter(code, l int32, sym byte) {
	free := look - l
	for j := range int32(1) << free {
		b := code<<free | j
		t.short[b] = uint16(l)<<8 | uint16(sym)
		run, size := int32(sym>>4), int32(sym&15)
		switch {
		case size == 0 && run == 15:
			t.whole[b] = 15<<8 | l
		case size == 0:
			t.whole[b] = 64<<8 | l
		case size <= free:
			v := extend(uint32(j>>(free-size)), uint(size))
			t.whole[b] = v<<16 | run<<8 | (l + size)
		}
	}
}

// find returns the symbol at the head of acc and its length, for codes longer
// than look bits. A code that the table does not have takes
// 17 bits, as in libjpeg, and ok is false.
func (t *huffman) find(acc uint64) (sym byte, length int, ok bool) {
	top := int32(acc >> 48)
	for l := look + 1; l <= 16; l++ {
		if top < t.limit[l] {
			i := top>>(16-l) + t.offset[l]
			if i < 0 || i > 255 {
				break
			}
			return t.symbol[i], l, true
		}
	}
	return 0, 17, false
}

// decode reads one symbol. Like libjpeg it gives 0 for an impossible code.
func (d *decoder) decode(t *huffman) byte {
	if d.n < 17 { // an impossible code takes 17
		d.fill()
	}
	e := t.short[d.acc>>(64-look)]
	sym, l := byte(e), int(e>>8)
	if l == 0 {
		var ok bool
		if sym, l, ok = t.find(d.acc); !ok {
			d.warn("impossible Huffman code")
		}
	}
	d.acc <<= l
	d.n -= l
	return sym
}
