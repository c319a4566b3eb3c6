package bitmap

// runs decodes run lengths of palette indices, of 8 or 4 bits: pairs of a count
// and an index (or two that alternate), and, when the count is 0, the end of a
// row (0) or of the picture (1), a step (2), or so many indices as they are.
// Pixels that nothing is said of have index 0.
func (d *bmp) runs(pix []uint8) error {
	for i := 0; i < len(pix); i += 3 {
		copy(pix[i:i+3], d.palette[0][:])
	}
	total := d.w * d.h
	i, x := 0, 0 // the next pixel in stored order, and its column
	put := func(index byte) {
		if i < total {
			copy(d.row(pix, i/d.w)[3*(i%d.w):], d.palette[index][:])
			i++
		}
	}
	src, at := d.data, 0
	for i < total {
		if at+2 > len(src) {
			return errCut
		}
		count, v := int(src[at]), src[at+1]
		at += 2
		switch {
		case count > 0:
			// What goes beyond the row is left out.
			count = max(0, min(count, d.w-x))
			for k := range count {
				put(d.index(v, k))
			}
			x += count
		case v == 0:
			i = (i + d.w - 1) / d.w * d.w
			x = 0
		case v == 1:
			return nil
		case v == 2:
			if at+2 > len(src) {
				return errCut
			}
			i = min(total, i+int(src[at])+int(src[at+1])*d.w)
			x = i % d.w
			at += 2
		default:
			n := min(int(v), total-i)
			bytes := n
			if d.bits == 4 {
				bytes = (n + 1) / 2
			}
			if at+bytes > len(src) {
				return errCut
			}
			for k := range n {
				if d.bits == 4 {
					put(d.index(src[at+k/2], k))
				} else {
					put(src[at+k])
				}
			}
			x += int(v)
			at += bytes
			if (at%2 != 0) != d.odd { // each ends at an even place of the file
				at++
			}
		}
	}
	return nil
}

// index is pixel k of a byte: all 8 bits, or the high and the low four in turn.
func (d *bmp) index(v byte, k int) byte {
	switch {
	case d.bits == 8:
		return v
	case k%2 == 0:
		return v >> 4
	}
	return v & 15
}
