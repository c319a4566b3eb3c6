package copies

import (
	"math/bits"

	"github.com/whippet-ml/whippet/data"
)

const (
	hashColumns, hashRows = 9, 8 // 8 differences in each of 8 rows: 64 bits
	colorCells            = 6
)

// Fingerprint is what remains alike when a picture is stored again in another
// size, quality or format.
type Fingerprint struct {
	// Hash is the difference hash: the picture's luminance as 9×8 cells, a bit
	// for each pair of neighbors in a row, set where the right one is brighter
	// (Krawetz, "Kind of Like That", 2013). Bit 63 is the first pair of the first
	// row.
	Hash uint64
	// Color is the mean RGB of 6×6 cells, row by row. It tells pictures apart that
	// have no structure for Hash to see.
	Color [colorCells * colorCells * 3]uint8
}

// FingerprintOf computes the fingerprint of a picture; the zero value for one
// without pixels.
func FingerprintOf(m *data.Image) Fingerprint {
	var f Fingerprint
	if m.Width < 1 || m.Height < 1 {
		return f
	}
	var luma [hashRows][hashColumns]int64
	for y := range hashRows {
		for x := range hashColumns {
			r, g, b := cell(m, x, y, hashColumns, hashRows)
			luma[y][x] = 299*r + 587*g + 114*b // ITU-R BT.601, times 1000·16
		}
	}
	for y := range hashRows {
		for x := range hashColumns - 1 {
			f.Hash <<= 1
			if luma[y][x+1] > luma[y][x] {
				f.Hash |= 1
			}
		}
	}
	for i := range colorCells * colorCells {
		r, g, b := cell(m, i%colorCells, i/colorCells, colorCells, colorCells)
		f.Color[3*i], f.Color[3*i+1], f.Color[3*i+2] = uint8(r/16), uint8(g/16), uint8(b/16)
	}
	return f
}

// cell returns 16 times the mean of cell (x, y) of nx×ny. Cells of pictures
// smaller than that are single pixels.
func cell(m *data.Image, x, y, nx, ny int) (r, g, b int64) {
	x0, y0 := x*m.Width/nx, y*m.Height/ny
	x1, y1 := max(x0+1, (x+1)*m.Width/nx), max(y0+1, (y+1)*m.Height/ny)
	for v := y0; v < y1; v++ {
		row := m.Pix[3*(v*m.Width+x0) : 3*(v*m.Width+x1)]
		for ; len(row) >= 3; row = row[3:] {
			r, g, b = r+int64(row[0]), g+int64(row[1]), b+int64(row[2])
		}
	}
	n := int64((x1 - x0) * (y1 - y0))
	return 16 * r / n, 16 * g / n, 16 * b / n
}

// Bits is the number of bits in which the hashes differ, 0 to 64.
func (f Fingerprint) Bits(g Fingerprint) int { return bits.OnesCount64(f.Hash ^ g.Hash) }

// ColorDistance is the mean absolute difference of the colors, 0 to 255.
func (f *Fingerprint) ColorDistance(g *Fingerprint) float64 {
	sum := 0
	for i, v := range f.Color {
		d := int(v) - int(g.Color[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(f.Color))
}
