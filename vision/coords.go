package vision

import "math"

// Coordinates. fastai describes where each output pixel is read from by an
// affine map of normalized coordinates ([-1,1] from the first to the last
// pixel center: align_corners=True) followed by a perspective warp. Both are
// projective maps, so one 3×3 matrix from output pixel to source pixel holds
// the whole chain, and flip, rotation, zoom and warp cost one sampling.

// mat3 is a 3×3 matrix, row-major; it acts on columns (x, y, 1).
type mat3 [9]float64

var identity3 = mat3{1, 0, 0, 0, 1, 0, 0, 0, 1}

// mul is the matrix product a·b.
func (a mat3) mul(b mat3) (c mat3) {
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = float64(a[3*i]*b[j]) + float64(a[3*i+1]*b[3+j]) + float64(a[3*i+2]*b[6+j])
		}
	}
	return c
}

// apply maps a point.
func (a mat3) apply(x, y float64) (float64, float64) {
	d := float64(a[6]*x) + float64(a[7]*y) + a[8]
	return (float64(a[0]*x) + float64(a[1]*y) + a[2]) / d, (float64(a[3]*x) + float64(a[4]*y) + a[5]) / d
}

// The dihedral group as fastai's dihedral_mat: signs, and whether x and y are
// exchanged.
var (
	dihedralX    = [8]float64{1, -1, 1, -1, -1, 1, 1, -1}
	dihedralY    = [8]float64{1, 1, -1, 1, -1, -1, 1, -1}
	dihedralSwap = [8]bool{3: true, 5: true, 6: true, 7: true}
)

func dihedralMat(k int) mat3 {
	x, y := dihedralX[k&7], dihedralY[k&7]
	if dihedralSwap[k&7] {
		return mat3{0, x, 0, y, 0, 0, 0, 0, 1}
	}
	return mat3{x, 0, 0, 0, y, 0, 0, 0, 1}
}

func rotateMat(degrees float64) mat3 {
	s, c := math.Sincos(degrees * math.Pi / 180)
	return mat3{c, s, 0, -s, c, 0, 0, 0, 1}
}

func zoomMat(zoom, cx, cy float64) mat3 {
	s := 1 / zoom
	return mat3{s, 0, (1 - s) * (float64(2*cx) - 1), 0, s, (1 - s) * (float64(2*cy) - 1), 0, 0, 1}
}

// affineMat composes flip, rotation and zoom, in that order from the left, and
// corrects the mixed terms for the picture's shape (_prepare_mat), so that
// angles are angles in pixels.
func (p PictureDraws) affineMat(h, w int) mat3 {
	m := dihedralMat(p.Dihedral).mul(rotateMat(p.Degrees)).mul(zoomMat(p.Zoom, p.ZoomX, p.ZoomY))
	m[1] *= float64(h) / float64(w)
	m[3] *= float64(w) / float64(h)
	return m
}

// warpMat is the perspective map that takes the corners of the warp to the
// corners of the square (find_coeffs with fastai's target points).
func (p PictureDraws) warpMat() mat3 {
	if p.WarpX == 0 && p.WarpY == 0 {
		return identity3
	}
	x, y := p.WarpX, p.WarpY
	orig := [4][2]float64{{-1, -1}, {-1, 1}, {1, -1}, {1, 1}}
	targ := [4][2]float64{{-1 - y, -1 - x}, {-1 + y, 1 + x}, {1 + y, -1 + x}, {1 - y, 1 - x}}
	var a [8][9]float64 // the linear system for the coefficients, and its right-hand side
	for i := range 4 {
		o, t := orig[i], targ[i]
		a[2*i] = [9]float64{t[0], t[1], 1, 0, 0, 0, -o[0] * t[0], -o[0] * t[1], o[0]}
		a[2*i+1] = [9]float64{0, 0, 0, t[0], t[1], 1, -o[1] * t[0], -o[1] * t[1], o[1]}
	}
	c, ok := solve8(&a)
	if !ok {
		return identity3 // corners on a line: possible for warps of 1 and more only
	}
	return mat3{c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], 1}
}

// solve8 solves eight linear equations by elimination with partial pivoting.
func solve8(a *[8][9]float64) (x [8]float64, ok bool) {
	for c := range 8 {
		best := c
		for r := c + 1; r < 8; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[best][c]) {
				best = r
			}
		}
		if math.Abs(a[best][c]) < 1e-12 {
			return x, false
		}
		a[c], a[best] = a[best], a[c]
		for r := c + 1; r < 8; r++ {
			f := a[r][c] / a[c][c]
			for k := c; k < 9; k++ {
				a[r][k] -= float64(f * a[c][k])
			}
		}
	}
	for c := 7; c >= 0; c-- {
		s := a[c][8]
		for k := c + 1; k < 8; k++ {
			s -= float64(a[c][k] * x[k])
		}
		x[c] = s / a[c][c]
	}
	return x, true
}

// normalized maps normalized output coordinates to normalized source
// coordinates.
func (p PictureDraws) normalized(h, w int) mat3 {
	return p.warpMat().mul(p.affineMat(h, w))
}

// toPixels turns a map of normalized coordinates into one from pixel (x,y) of
// an output of oh×ow to pixels of a source of sh×sw.
func (m mat3) toPixels(oh, ow, sh, sw int) mat3 {
	in := mat3{8: 1}
	// One pixel alone sits in the middle, as torch's affine_grid has it.
	if ow > 1 {
		in[0], in[2] = 2/float64(ow-1), -1
	}
	if oh > 1 {
		in[4], in[5] = 2/float64(oh-1), -1
	}
	hx, hy := float64(sw-1)/2, float64(sh-1)/2
	out := mat3{hx, 0, hx, 0, hy, hy, 0, 0, 1}
	return out.mul(m).mul(in)
}

// neutralPlace reports whether the draws move no pixel.
func (p PictureDraws) neutralPlace() bool {
	return p.Dihedral == 0 && p.Degrees == 0 && p.Zoom == 1 && p.WarpX == 0 && p.WarpY == 0
}
