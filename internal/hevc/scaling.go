package hevc

import "fmt"

// scalingLists hold the factors of dequantization (7.3.4): of each size of
// block (4, 8, 16, 32) and each of six matrices (intra Y, Cb, Cr; inter) 16 or 64 factors
// in the order of the diagonal scan, and for 16 and 32 the factor of DC.
type scalingLists struct {
	list [4][6][64]uint8
	dc   [4][6]uint8
	// factor are the lists spread over blocks, by size and component of intra
	// prediction; made when the lists are complete.
	factor [4][3][]uint8
}

var (
	intraList = [64]uint8{
		16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 16, 17, 16, 17, 18, 17, 18, 18, 17, 18, 21, 19, 20, 21, 20, 19, 21, 24, 22, 22, 24,
		24, 22, 22, 24, 25, 25, 27, 30, 27, 25, 25, 29, 31, 35, 35, 31, 29, 36, 41, 44, 41, 36, 47, 54, 54, 47, 65, 70, 65, 88, 88, 115,
	}
	interList = [64]uint8{
		16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 20, 20, 20, 20, 20, 20, 20, 24, 24, 24, 24,
		24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 28, 28, 28, 28, 28, 28, 33, 33, 33, 33, 33, 41, 41, 41, 41, 54, 54, 54, 71, 71, 91,
	}
)

func defaultLists() *scalingLists {
	l := &scalingLists{}
	for size := range 4 {
		for m := range 6 {
			l.setDefault(size, m)
		}
	}
	l.spread()
	return l
}

func (l *scalingLists) setDefault(size, m int) {
	l.dc[size][m] = 16
	switch {
	case size == 0:
		for i := range 16 {
			l.list[0][m][i] = 16
		}
	case m < 3:
		l.list[size][m] = intraList
	default:
		l.list[size][m] = interList
	}
}

func (l *scalingLists) parse(r *bitReader, chroma int) error {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for m := 0; m < 6; m += step {
			if !r.flag() {
				delta := r.ue() * step
				if delta > m || r.short {
					return fmt.Errorf("a scaling list is damaged")
				}
				if delta == 0 {
					l.setDefault(size, m)
				} else {
					l.list[size][m], l.dc[size][m] = l.list[size][m-delta], l.dc[size][m-delta]
				}
				continue
			}
			next := 8
			if size > 1 {
				next = r.se() + 8
				l.dc[size][m] = uint8(next)
			}
			for i := range min(64, 16<<(2*size)) {
				next = (next + r.se()) & 255
				l.list[size][m][i] = uint8(next)
			}
		}
	}
	if chroma == 3 { // 32×32 blocks of chroma have no lists of their own
		for _, m := range []int{1, 2, 4, 5} {
			l.list[3][m], l.dc[3][m] = l.list[2][m], l.dc[2][m]
		}
	}
	l.spread()
	return r.err()
}

// spread makes the factors of blocks, row by row (7.4.5).
func (l *scalingLists) spread() {
	for size := range 4 {
		n := 4 << size
		side, scan := 8, &scans8
		if size == 0 {
			side, scan = 4, &scans4
		}
		for m := range 3 {
			f := make([]uint8, n*n)
			for i, p := range scan[0][:side*side] {
				x, y := int(p)%side, int(p)/side
				for dy := range n / side {
					for dx := range n / side {
						f[(y*n/side+dy)*n+x*n/side+dx] = l.list[size][m][i]
					}
				}
			}
			if size > 1 {
				f[0] = l.dc[size][m]
			}
			l.factor[size][m] = f
		}
	}
}
