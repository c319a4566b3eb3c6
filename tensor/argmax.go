package tensor

// Argmax returns the place of the largest value of row, the first of equal ones;
// 0 for an empty row. NaN counts as the largest, as in torch.argmax, so that a
// model that diverged is seen rather than hidden: the first NaN wins.
func Argmax(row []float32) int {
	best := 0
	for i, v := range row {
		if Greater(v, row[best]) {
			best = i
		}
	}
	return best
}

// Greater is the order that Argmax goes by: a > b, with NaN above all numbers and
// equal to itself.
func Greater(a, b float32) bool { return a > b || (a != a && b == b) }
