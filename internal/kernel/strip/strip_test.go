package strip

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestFill compares strips with what stands at each place of the map, zeros where none does, for widths that are copied
// in different ways, steps, and strips that reach beyond the map on each side or lie outside.
func TestFill(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		const h, w = 5, 7
		for _, width := range []int{1, 3, 4, 8, 12, 16, 24, 30, 48} {
			for _, c := range []int{width, width + 5} {
				x := kerneltest.Randoms(1, h*w*c)
				m := Map{X: x, H: h, W: w, C: c, At: c - width}
				for _, at := range []struct{ top, left, step, rows, cols int }{
					{0, 0, 1, h, w}, {-1, -1, 1, h + 2, w + 2}, {2, 3, 1, 2, 3}, {-2, 1, 2, 4, 5}, {1, -3, 2, 3, 6}, {-9, 0, 1, 3, 4}, {0, 9, 1, 2, 3}, {0, -9, 1, 2, 3},
				} {
					s := New(at.rows, at.cols+1, width, 7)
					s.Fill(m, at.top, at.left, at.step, at.rows, at.cols)
					for i, got := range s.Data {
						k, col, row := i%width, i/width%(at.cols+1), i/width/(at.cols+1)
						y, z := at.top+row*at.step, at.left+col*at.step
						want := float32(0)
						if row < at.rows && col < at.cols && y >= 0 && y < h && z >= 0 && z < w {
							want = x[(y*w+z)*c+c-width+k]
						}
						if got != want {
							t.Fatalf("%d of %d channels, %+v: row %d, column %d, channel %d is %v, want %v", width, c, at, row, col, k, got, want)
						}
					}
					s.Free()
				}
			}
		}
	})
}
