package conv

import "testing"

// TestPlace holds that every piece of rows meets every piece of columns once, and that a group of rows is through
// with a piece of columns before it comes to the next.
func TestPlace(t *testing.T) {
	for _, c := range []struct{ groups, rows, cols int }{{1, 3, 4}, {2, 8, 4}, {2, 7, 3}, {2, 1, 5}, {3, 7, 2}, {16, 5, 9}, {5, 16, 1}} {
		r := igemmRun{groups: c.groups}
		seen := map[[2]int]bool{}
		lastRow, lastCol, changes := -1, -1, 0
		for i := range c.rows * c.cols {
			row, col := r.place(i, c.rows, c.cols)
			if row < 0 || row >= c.rows || col < 0 || col >= c.cols || seen[[2]int{row, col}] {
				t.Fatalf("%+v: piece %d is at %d, %d, outside or for the second time", c, i, row, col)
			}
			seen[[2]int{row, col}] = true
			if col != lastCol {
				changes++
			} else if row != lastRow+1 && c.groups > 1 {
				t.Errorf("%+v: piece %d goes from row %d to %d", c, i, lastRow, row)
			}
			lastRow, lastCol = row, col
		}
		if most := min(c.groups, c.rows) * c.cols; c.groups > 1 && changes > most {
			t.Errorf("%+v: columns change %d times, at most %d are needed", c, changes, most)
		}
	}
}
