package depthwise

import "github.com/whippet-ml/whippet/internal/parallel"

// reflected is the row or column of n whose reflection in the middle of the outermost
// is at i; outside of [0,n) where i is too far away.
func reflected(i, n int) int {
	switch {
	case i < 0:
		return -i
	case i >= n:
		return 2*(n-1) - i
	}
	return i
}

// reflections is the gradient of padding that reflects the input, under way.
type reflections struct {
	Conv
	dy, w, dx []float32
}

// addReflections adds to dx [N,H,W,C] the gradients of the padding: that of each of its
// pixels to that of the pixel whose reflection it is.
func (c Conv) addReflections(dy, w, dx []float32) {
	parallel.ForWith(c.N, reflections{c, dy, w, dx}, (*reflections).picture)
}

// picture adds those of one picture.
func (r *reflections) picture(n int) {
	oh, ow := r.Out()
	dy, dx := r.dy[n*oh*ow*r.C:][:oh*ow*r.C], r.dx[n*r.H*r.W*r.C:][:r.H*r.W*r.C]
	for row := -r.Pad.Top; row < r.H+r.Pad.Bottom; row++ {
		for col := -r.Pad.Left; col < r.W+r.Pad.Right; col++ {
			if col == 0 && row >= 0 && row < r.H {
				if col = r.W; r.Pad.Right == 0 {
					break
				}
			}
			to := dx[(reflected(row, r.H)*r.W+reflected(col, r.W))*r.C:][:r.C]
			r.pixel(row, col, dy, to)
		}
	}
}

// pixel adds the gradient of the pixel of the padding in a row and column of the input's
// to that of the input's own pixel.
func (r *reflections) pixel(row, col int, dy, to []float32) {
	oh, ow := r.Out()
	for ky := range r.KH {
		y := row + r.Pad.Top - ky // Stride times the output's row
		if y < 0 || y%r.Stride != 0 || y/r.Stride >= oh {
			continue
		}
		for kx := range r.KW {
			x := col + r.Pad.Left - kx
			if x < 0 || x%r.Stride != 0 || x/r.Stride >= ow {
				continue
			}
			w := r.w[(ky*r.KW+kx)*r.C:][:r.C]
			for i, g := range dy[(y/r.Stride*ow+x/r.Stride)*r.C:][:r.C] {
				to[i] += float32(g * w[i])
			}
		}
	}
}
