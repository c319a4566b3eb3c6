package hevc

// Orders in which coefficients are coded (6.5.3 to 6.5.5): by diagonals,
// horizontal, vertical. Each entry is y*side+x.
var (
	scans2 = makeScans(2)
	scans4 = makeScans(4)
	scans8 = makeScans(8)
)

func makeScans(n int) (s [3][64]uint8) {
	i := 0
	for d := range 2*n - 1 {
		for x := range n {
			if y := d - x; y >= 0 && y < n {
				s[0][i] = uint8(y*n + x)
				i++
			}
		}
	}
	for i := range n * n {
		s[1][i] = uint8(i)
		s[2][i] = uint8(i%n*n + i/n)
	}
	return s
}

// subBlockScan returns the order of the 4×4 sub-blocks of a block of 1<<log2 samples a side.
// The 8×8 blocks scanned horizontally or vertically go row by row and column by
// column through their sub-blocks, too.
func subBlockScan(log2, scan int) *[64]uint8 {
	switch log2 {
	case 2:
		return &oneBlock
	case 3:
		return &scans2[scan]
	case 4:
		return &scans4[scan]
	}
	return &scans8[scan]
}

var oneBlock [64]uint8
