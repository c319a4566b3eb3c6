package tiff

// undo turns the differences that a predictor stored into samples again, in one
// row of pixels with n samples each.
func (p *picture) undo(row []byte, n int) {
	switch p.predictor {
	case differences:
		p.undoDifferences(row, n)
	case floatingPoints:
		undoFloats(row, n)
	}
}

// undoDifferences adds each sample's left neighbor to it (TIFF 6.0, section 14).
func (p *picture) undoDifferences(row []byte, n int) {
	o := p.order
	switch p.bits {
	case 8:
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
	case 16:
		for i := 2 * n; i+1 < len(row); i += 2 {
			o.PutUint16(row[i:], o.Uint16(row[i:])+o.Uint16(row[i-2*n:]))
		}
	case 32:
		for i := 4 * n; i+3 < len(row); i += 4 {
			o.PutUint32(row[i:], o.Uint32(row[i:])+o.Uint32(row[i-4*n:]))
		}
	}
}

// undoFloats undoes the predictor of Adobe's Technical Note 3: all first bytes
// of a row's numbers, all second ones and so on, each the difference to the byte
// n before. The row becomes big-endian numbers of 4 bytes.
func undoFloats(row []byte, n int) {
	for i := n; i < len(row); i++ {
		row[i] += row[i-n]
	}
	planes := append([]byte(nil), row...)
	count := len(row) / 4
	for i := range count {
		for b := range 4 {
			row[4*i+b] = planes[b*count+i]
		}
	}
}
