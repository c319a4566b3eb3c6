package clean

import (
	"cmp"
	"context"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

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
	// for each pair of neighbours in a row, set where the right one is brighter
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

// Pair is a training picture and a validation picture that look alike.
type Pair struct {
	Train, Valid int     // indices into the set
	Bits         int     // that differ between their hashes
	Color        float64 // their ColorDistance
}

// Limits says how alike two pictures must be to be shown as near-duplicates.
type Limits struct {
	Bits  int     // differing bits at most
	Color float64 // color distance at most
}

// DefaultLimits finds copies that were scaled, recompressed or slightly
// lightened, and few pictures that are only similar.
var DefaultLimits = Limits{Bits: 6, Color: 12}

// NearDuplicates opens every picture of the set and returns the pairs across
// training and validation within the limits, the most alike first. Pictures
// that cannot be opened are passed over. progress, which may be nil, is told how
// many are done. The error is only ctx's.
func NearDuplicates(ctx context.Context, s *Set, limits Limits, progress func(done int)) ([]Pair, error) {
	prints, good, err := fingerprints(ctx, s, progress)
	if err != nil {
		return nil, err
	}
	var valid []int
	for i, p := range s.Pictures {
		if p.Valid && good[i] {
			valid = append(valid, i)
		}
	}
	var pairs []Pair
	for i, p := range s.Pictures {
		if p.Valid || !good[i] {
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, k := range valid {
			n := bits.OnesCount64(prints[i].Hash ^ prints[k].Hash)
			if n > limits.Bits {
				continue
			}
			if c := prints[i].ColorDistance(&prints[k]); c <= limits.Color {
				pairs = append(pairs, Pair{Train: i, Valid: k, Bits: n, Color: c})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Bits, b.Bits), cmp.Compare(a.Color, b.Color))
	})
	return pairs, nil
}

// fingerprints opens the pictures, several at once.
func fingerprints(ctx context.Context, s *Set, progress func(done int)) ([]Fingerprint, []bool, error) {
	prints, good := make([]Fingerprint, len(s.Pictures)), make([]bool, len(s.Pictures))
	var next, done atomic.Int64
	var told sync.Mutex
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.Pictures)) {
		wait.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(s.Pictures) {
					return
				}
				if m, err := s.Open(s.Pictures[i].Path); err == nil {
					prints[i], good[i] = FingerprintOf(m), true
					m.Free()
				}
				n := int(done.Add(1))
				if progress != nil {
					told.Lock()
					progress(n)
					told.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return prints, good, ctx.Err()
}
